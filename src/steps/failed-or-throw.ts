import type { ErrorCode } from "../error-codes.ts";
import { hasCode, toErrorRecord } from "../errors.ts";
import type { StepResult } from "../model/step-kind.ts";

/** What was asked answered with one of these codes: a failure of the step. Anything else leaves open what happened. */
export function failedOrThrow(error: unknown, ...answers: readonly [ErrorCode, ...ErrorCode[]]): StepResult {
  if (!hasCode(error, ...answers)) throw error;
  const { code, message, hint } = toErrorRecord(error);
  return { outcome: "failed", reason: message, result: { code, hint } };
}
