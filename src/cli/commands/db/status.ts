import type { ExitCode } from "../../../error-codes.ts";
import type { CommandContext } from "../../command-context.ts";

/** Exit code 3 when the files and the ledger disagree. */
export async function databaseStatus(
  context: CommandContext,
  { dir, database }: { dir: string; database?: string },
): Promise<ExitCode> {
  const { output, cancelled } = context;
  const place = await context.openDatabase(database);
  const { migrationStatus } = await import("../../../compose/database/status.ts");
  const { applied, pending, problems } = await migrationStatus(place, dir, cancelled);
  const exitCode = problems.length > 0 ? 3 : 0;
  output.result(
    {
      environment: place.environment ?? null,
      applied: applied.map(({ version, name, appliedAt, durationMs }) => ({
        version,
        name,
        appliedAt,
        durationMs,
      })),
      pending: pending.map(({ version, name, file }) => ({ version, name, file })),
      problems: problems.map(({ kind, file, reason, fix }) => ({ kind, file, reason, fix })),
      exitCode,
    },
    [
      `${applied.length} applied, ${pending.length} pending`,
      ...pending.map(({ file }) => `pending  ${file}`),
      ...problems.flatMap(({ reason, fix }) => [`problem  ${reason}`, `         ${fix}`]),
    ],
  );
  return exitCode;
}
