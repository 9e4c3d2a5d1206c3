import { TminusError } from "../../../errors.ts";
import type { ExitCode } from "../../../error-codes.ts";
import type { JudgedFinding } from "../../../compose/database/rehearse.ts";
import type { CommandContext } from "../../command-context.ts";
import type { RehearseCommandOptions } from "../../database/rehearse.ts";

const TIERS = { 0: 0, 1: 1, 2: 2 } as const;

/** Exit code 3 when the files should not run. */
export async function rehearseMigrations(
  context: CommandContext,
  options: RehearseCommandOptions,
): Promise<ExitCode> {
  const { output, cancelled } = context;
  if (options.backup !== undefined && options.tier !== "2") {
    throw new TminusError("USAGE_INVALID", "--backup is for --tier 2, which rehearses in a restore of it", {
      hint: "Add --tier 2, or leave --backup out.",
    });
  }
  const place = await context.openDatabase(options.database);
  const { rehearseDatabase } = await import("../../../compose/database/rehearse.ts");
  const { rehearsal, refusals, warnings, findings, lines } = await rehearseDatabase(place, {
    folder: options.dir,
    format: options.format,
    tier: TIERS[options.tier],
    backup: options.backup,
    canaries: options.canary,
    prelude: options.prelude,
    demands: {
      maxLockMs: options.maxLock,
      maxDurationMs: options.maxDuration,
      requireReversible: options.requireReversible === true,
      acceptUnknown: options.acceptUnknown === true,
    },
    signal: cancelled,
    progress: (text) => output.note(text),
  });
  const exitCode = refusals.length > 0 ? 3 : 0;
  output.result(
    {
      environment: place.environment ?? null,
      rehearsal,
      refusals,
      warnings,
      findings: findings.map(findingJson),
      exitCode,
    },
    rehearsal.files.length === 0 ? ["no migration is pending"] : lines,
  );
  return exitCode;
}

function findingJson({
  finding: { rule, file, line, column, message },
  verdict,
  reason,
}: JudgedFinding): object {
  return { rule, file, line, column, message, verdict, reason };
}
