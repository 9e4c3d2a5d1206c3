import { TminusError } from "../errors.ts";

/** For what is done beside the runbook, the state or the database, and not through a server. */
export function notHere(what: string): TminusError {
  return new TminusError(
    "USAGE_INVALID",
    `${what} is done where the project is, and TMINUS_URL names a server`,
    {
      hint: "Run it in the project's folder, without TMINUS_URL.",
    },
  );
}
