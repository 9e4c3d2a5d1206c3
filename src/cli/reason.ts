import { TminusError } from "../errors.ts";
import { clean } from "../report/text.ts";

const MAX_REASON = 1000;

/** Why a person does something, for others to read. `say`: what to say, with an example. Errors: USAGE_INVALID. */
export function reasonOf(text: string, say: string, maxLength: number = MAX_REASON): string {
  const reason = clean(text);
  if (reason !== "" && reason.length <= maxLength) return reason;
  throw new TminusError("USAGE_INVALID", `the reason is ${reason === "" ? "empty" : "too long"}`, {
    hint: `Say in 1 to ${maxLength} characters ${say}.`,
  });
}
