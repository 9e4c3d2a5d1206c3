import type { FormatChoice } from "../../../compose/database/status.ts";
import type { ExitCode } from "../../../error-codes.ts";
import type { CommandContext } from "../../command-context.ts";

/** Exit code 3 when the files and the ledger disagree. */
export async function databaseStatus(
  context: CommandContext,
  { dir, format: choice, database }: { dir: string; format: FormatChoice; database?: string },
): Promise<ExitCode> {
  const { output, cancelled } = context;
  const place = await context.openDatabase(database);
  const { migrationStatus } = await import("../../../compose/database/status.ts");
  const { format, ledger, adoptable, contract, pending, problems } = await migrationStatus(
    place,
    dir,
    choice,
    cancelled,
  );
  const exitCode = problems.length > 0 ? 3 : 0;
  output.result(
    {
      environment: place.environment ?? null,
      format,
      applied: ledger.map(({ version, name, appliedAt, durationMs }) => ({
        version,
        name,
        appliedAt,
        durationMs,
      })),
      adoptable: adoptable.map(({ migration: { version, name, file }, proven }) => ({
        version,
        name,
        file,
        proven,
      })),
      pending: pending.map(({ version, name, file }) => ({ version, name, file })),
      contract: contract.map(({ version, name, file }) => ({ version, name, file })),
      problems: problems.map(({ kind, file, reason, fix }) => ({ kind, file, reason, fix })),
      exitCode,
    },
    [
      `${ledger.length + adoptable.length} applied, ${pending.length} pending${format === "native" ? "" : ` (${format} files)`}`,
      ...(adoptable.length === 0
        ? []
        : [`${adoptable.length} of the applied are adopted at the first migration by tminus`]),
      ...pending.map(({ file }) => `pending  ${file}`),
      ...contract.map(({ file }) => `contract ${file} (applied by db.contract, after sign-off)`),
      ...problems.flatMap(({ reason, fix }) => [`problem  ${reason}`, `         ${fix}`]),
    ],
  );
  return exitCode;
}
