import { tmpdir } from "node:os";
import { TminusError } from "../../src/errors.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Redactor, Secret } from "../../src/lib/redact.ts";
import type { SignalPorts } from "../../src/model/signal-kind.ts";

/** What a signal source is opened with; its secrets are masked as in a run. */
export function signalPorts({
  secrets = {},
  ...ports
}: Partial<Omit<SignalPorts, "secret">> & { secrets?: Record<string, string> } = {}): SignalPorts {
  const redactor = new Redactor();
  return {
    secret(reference) {
      const value = secrets[reference];
      if (value === undefined) throw new TminusError("SECRET_MISSING", `${reference} is not set`);
      const secret = new Secret(value, reference);
      redactor.add(secret);
      return secret;
    },
    clock: systemClock,
    environment: "production",
    url: "http://127.0.0.1:9",
    database: undefined,
    projectDirectory: tmpdir(),
    variables: () => ({}),
    redact: (text) => redactor.redact(text),
    ...ports,
  };
}
