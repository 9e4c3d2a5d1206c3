import { TminusError } from "../errors.ts";
import { systemClock } from "../lib/clock.ts";
import type { Redactor, Secret } from "../lib/redact.ts";
import type { Scm } from "../model/scm.ts";
import { scmKinds } from "../providers/scms.ts";
import type { ResolvedRunbook } from "../runbook/resolve.ts";

/** Opened only by who asks it: nothing else needs its token. Undefined where the runbook names none. Errors: SECRET_MISSING. */
export function openScm(
  scm: ResolvedRunbook["scm"],
  { secret, redactor }: { secret: (reference: string) => Secret; redactor: Redactor },
): Scm | undefined {
  if (scm === undefined) return undefined;
  const { kind, ...settings } = scm;
  const found = scmKinds[kind];
  if (found === undefined) throw new TminusError("RUNBOOK_INVALID", `there is no scm kind ${kind}`);
  return found.open(settings, { secret, clock: systemClock, redact: (text) => redactor.redact(text) });
}
