import { TminusError } from "../errors.ts";
import type { Actor } from "../model/actor.ts";
import type { EvidenceDemand } from "../model/follow-up.ts";
import { sameName } from "../model/person-name.ts";

const SIGN_IN = "Sign in: set TMINUS_TOKEN, or add --login <name>.";

/**
 * Lets only the owner speak for an item or a task, once it is known who somebody is: as soon as there are users a name that
 * nobody has checked is nobody's. Errors: APPROVAL_REFUSED, IDENTITY_REFUSED.
 */
export function requireOwner(what: string, owner: string | undefined, actor: Actor, areUsers: boolean): void {
  const isChecked = actor.checked.by !== "none";
  if (owner === undefined || (!isChecked && !areUsers)) return;
  if (!isChecked)
    throw new TminusError(
      "IDENTITY_REFUSED",
      `${what} is for ${owner} to attest, and nobody has checked who ${actor.name} is`,
      { hint: SIGN_IN },
    );
  if (sameName(owner, actor.name)) return;
  throw new TminusError("APPROVAL_REFUSED", `${what} is for ${owner} to attest, not for ${actor.name}`, {
    hint: `Ask ${owner}; somebody else may only when the runbook names them as its owner.`,
  });
}

/** Errors: USAGE_INVALID. */
export function requireDemanded(
  what: string,
  demand: EvidenceDemand,
  { note, hasFile }: { note: string; hasFile: boolean },
): void {
  if (demand === "note" && note.trim() === "" && !hasFile)
    throw new TminusError("USAGE_INVALID", `${what} asks for a note`, {
      hint: 'Say what was seen: --note "<what you saw>".',
    });
  if (demand === "attachment" && !hasFile)
    throw new TminusError("USAGE_INVALID", `${what} asks for a file`, {
      hint: "Hand one in: --attach <file>.",
    });
}
