import { errorCodes, type ErrorCode, type ErrorCodeRow } from "./error-codes.ts";

export interface TminusErrorOptions {
  /** What to do next, an imperative that the reader can run. Defaults to the code's own `next`. */
  hint?: string;
  /** JSON-safe facts, already redacted. */
  details?: Record<string, unknown>;
  cause?: unknown;
}

/**
 * The only error that tminus throws on purpose. Match it by `code`, never by class or text: errors are
 * stored in rows and revived, and what comes back is a plain object.
 */
export class TminusError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, options: TminusErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "TminusError";
    this.code = code;
    this.hint = options.hint ?? errorCodes[code].next;
    this.details = options.details ?? {};
  }
}

/** The JSON form of an error, as stored in rows and printed with --json. */
export interface ErrorRecord {
  code: ErrorCode;
  message: string;
  hint: string;
  details: Record<string, unknown>;
}

/** Any thrown value as a record; what is not a TminusError becomes INTERNAL with its own message. */
export function toErrorRecord(error: unknown): ErrorRecord {
  if (hasCode(error)) {
    const { code, message, hint, details } = error;
    return { code, message, hint, details };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "INTERNAL", message, hint: errorCodes.INTERNAL.next, details: {} };
}

/** True for a TminusError, also one from another copy of the module; with codes, only for one of those. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): error is TminusError {
  if (typeof error !== "object" || error === null || !("code" in error) || !("hint" in error)) return false;
  const code = error.code;
  if (typeof code !== "string" || !(code in errorCodes)) return false;
  return codes.length === 0 || codes.includes(code as ErrorCode);
}

/** The table row of a code. */
export function describeCode(code: ErrorCode): ErrorCodeRow {
  return errorCodes[code];
}
