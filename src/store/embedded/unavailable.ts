import { TminusError } from "../../errors.ts";

/** STATE_UNAVAILABLE with its facts. A hint only where there is a better one than running the doctor. */
export function unavailable(
  message: string,
  details: Record<string, unknown>,
  options: { cause?: unknown; hint?: string } = {},
): TminusError {
  return new TminusError("STATE_UNAVAILABLE", message, { details, ...options });
}

/** The `code` of a system or database error ("ENOENT", "57P03"), else undefined. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
