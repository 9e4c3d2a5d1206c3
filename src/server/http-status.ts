import type { ErrorCode, ExitCode } from "../error-codes.ts";
import { describeCode } from "../errors.ts";

const byCode: Partial<Record<ErrorCode, number>> = {
  IDENTITY_REFUSED: 401,
  PERMISSION_REFUSED: 403,
  APPROVAL_REFUSED: 403,
  ORIGIN_REFUSED: 403,
  RUN_UNKNOWN: 404,
  ENVIRONMENT_UNKNOWN: 404,
  RESOURCE_UNKNOWN: 404,
  CONSOLE_MISSING: 404,
  RUN_ENDED: 409,
  RUN_NOT_WAITING: 409,
  REQUEST_OPEN: 409,
  REQUEST_REPEATED: 422,
  LOGIN_LOCKED: 429,
  RATE_LIMITED: 429,
  SERVER_SILENT: 502,
  STATE_UNAVAILABLE: 503,
  STATE_DENIED: 503,
  STATE_PLATFORM: 503,
  INTERNAL: 500,
};

const byExit: Partial<Record<ExitCode, number>> = { 2: 400, 3: 409, 7: 409, 8: 409 };

/** The HTTP status that says the same as the code, as far as one does. */
export function httpStatus(code: ErrorCode): number {
  return byCode[code] ?? byExit[describeCode(code).exit] ?? 500;
}
