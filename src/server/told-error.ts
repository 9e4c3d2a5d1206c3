import { hasCode, toErrorRecord, type ErrorRecord } from "../errors.ts";

/** What whoever asked is told of an error. What went wrong inside is for the log of the server. */
export function toldError(error: unknown): ErrorRecord {
  const record = toErrorRecord(error);
  return hasCode(error) ? record : { ...record, message: "the server failed; see its log" };
}

/** Writes it down when nobody threw it on purpose. */
export function logFailure(
  { method, path }: { method: string; path: string },
  error: unknown,
  log: (line: string) => void,
): void {
  if (!hasCode(error)) log(`${method} ${path} failed: ${toErrorRecord(error).message}`);
}
