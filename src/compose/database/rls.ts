import type { DatabasePlace } from "../../model/database.ts";
import { TminusError } from "../../errors.ts";
import { checkRls, type RlsReport } from "../../postgres/rls/check-rls.ts";
import { probePlanOf, rlsSettings } from "../../postgres/rls/settings.ts";

export { findingName, probeName } from "../../postgres/rls/check-rls.ts";

/**
 * Checks row security with settings as a db.rls step has them. Whatever is written is rolled back.
 * Errors: RUNBOOK_INVALID for settings that the step would not take, DATABASE_UNREACHABLE.
 */
export async function databaseRls(
  place: DatabasePlace,
  settings: unknown,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<RlsReport> {
  const parsed = rlsSettings.safeParse(settings);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${path.join(".") || "settings"}: ${message}`,
    );
    throw new TminusError("RUNBOOK_INVALID", problems.join("\n"), {
      hint: "The settings are those of the step db.rls: see docs/steps/db.rls.md.",
    });
  }
  const { accept, widening } = parsed.data;
  return checkRls({
    connectionString: place.connectionString.reveal(),
    plan: await probePlanOf(parsed.data, place.projectDirectory),
    accept,
    widening,
    signal,
    progress,
  });
}
