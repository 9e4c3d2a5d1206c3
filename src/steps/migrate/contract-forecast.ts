import type { Undo } from "../../model/plan.ts";
import { contractFilesInput } from "../../model/release-inputs.ts";
import type { StepForecast } from "../../model/step-kind.ts";
import type { Migration } from "../../postgres/migrations/migration.ts";
import { firstLine } from "../../postgres/migrations/run-statement.ts";
import type { Session } from "../../postgres/session/connect.ts";
import { quotedName } from "../../postgres/sql/names.ts";
import { readTable, type TableShape } from "../../postgres/sql/table.ts";
import { timeoutMs, type MigrationLimits } from "./forecast.ts";

/** Name of the rule in `-- tminus: allow`. */
const CONTRACT_UNARCHIVED = "contract-unarchived";

/** Measured on PostgreSQL 18: 5 M rows of a column with their key are copied in 4.4 s. */
const ROWS_PER_MS = 1_100;
const EXPECTED_MS = 250;
/** Above it the planner's estimate is shown: counting reads the table. */
const MAX_COUNTED = 2_000_000;

/** What was found when planning; plain JSON. */
export type ContractFacts = {
  directory: string;
  files: ContractFile[];
  problems: { reason: string; fix: string }[];
  filesDigest: string;
  ledgerDigest: string;
};

type ContractFile = {
  file: string;
  version: string;
  hasDown: boolean;
  statements: string[];
  drops: ContractDrop[];
};

type ContractDrop = {
  /** "users.email" or "users". */
  what: string;
  /** Null when it is not there yet. */
  rows: number | null;
  isEstimate: boolean;
};

/** What one file drops, with the rows that this concerns now. Reads only. */
export async function describeContract(
  session: Session,
  { file, version, up, down, allows, transactional }: Migration,
): Promise<{ described: ContractFile; problems: { reason: string; fix: string }[] }> {
  const { isArchivable, notInPieces, shownDropped, whyNotArchived } =
    await import("../../postgres/phases/archive.ts");
  const { droppedByText } = await import("../../postgres/undo/grade.ts");
  const problems: { reason: string; fix: string }[] = [];
  const drops: ContractDrop[] = [];
  for (const statement of up) {
    for (const dropped of await droppedByText(statement)) {
      if (isArchivable(dropped)) {
        const table = await readTable(session, dropped.table);
        const known = table === undefined ? undefined : whyNotArchived(dropped, table);
        const refusal = transactional ? known : notInPieces(dropped);
        if (refusal !== undefined)
          problems.push({ reason: `${file}:${statement.line}: ${refusal.reason}`, fix: refusal.fix });
        drops.push({ what: shownDropped(dropped), ...(await countRows(session, table)) });
      } else if (!allows.some(({ rule }) => rule === CONTRACT_UNARCHIVED)) {
        const what = dropped.kind === "rows" ? "deletes rows" : dropped.what;
        problems.push({
          reason: `${file}:${statement.line}: ${what}, which is not archived and could not be put back`,
          fix: `Take it out, or write '-- tminus: allow ${CONTRACT_UNARCHIVED} <reason>' into ${file}.`,
        });
      }
    }
  }
  const described = { file, version, hasDown: down !== undefined, statements: up.map(firstLine), drops };
  return { described, problems };
}

/** Pure: what applying the files of the contract phase means. */
export function forecastContract(facts: ContractFacts, limits: MigrationLimits): StepForecast {
  const { files, directory } = facts;
  const drops = files.flatMap((file) => file.drops);
  const rows = drops.reduce((sum, drop) => sum + (drop.rows ?? 0), 0);
  return {
    summary: files.length === 0 ? ["no file of the contract phase is waiting"] : files.flatMap(summarize),
    risk: files.length === 0 ? "low" : "high",
    durationMs: Math.round(files.length * EXPECTED_MS + rows / ROWS_PER_MS),
    timeoutMs: timeoutMs(files.length, limits),
    undo: undoOf(files),
    inputs: [
      contractFilesInput(directory, facts.filesDigest),
      { name: "migration ledger (contract)", digest: facts.ledgerDigest },
    ],
    blocked: facts.problems,
  };
}

function summarize({ file, statements, drops }: ContractFile): string[] {
  return [
    `apply ${file}`,
    ...statements.map((statement) => `  ${statement}`),
    ...drops.map((drop) => `  first archives ${drop.what} (${rowsText(drop)}) in the schema tminus_archive`),
  ];
}

function rowsText({ rows, isEstimate }: ContractDrop): string {
  if (rows === null) return "not there yet; counted when it is archived";
  const seconds = rows / ROWS_PER_MS / 1000;
  const wait = seconds < 0.2 ? "" : `; its table is locked for about ${seconds.toFixed(1)} s`;
  return `${isEstimate ? "about " : ""}${rows} ${rows === 1 ? "row" : "rows"}${wait}`;
}

/** Also where rollback.database says keep: the release before needs what was dropped. */
function undoOf(files: readonly ContractFile[]): Undo {
  if (files.length === 0) return { how: "none-needed", text: "no file of the contract phase is waiting" };
  const without = files.filter(({ hasDown }) => !hasDown);
  if (without.length > 0)
    return { how: "irreversible", text: `${without.map(({ file }) => file).join(", ")} has no down section` };
  const drops = files.flatMap((file) => file.drops).map(({ what }) => what);
  const back = drops.length === 0 ? "" : ` and put the archived values back: ${drops.join(", ")}`;
  return { how: "undo", text: `the down sections of ${files.length} run in reverse${back}` };
}

async function countRows(
  session: Session,
  table: TableShape | undefined,
): Promise<{ rows: number | null; isEstimate: boolean }> {
  if (table === undefined) return { rows: null, isEstimate: false };
  if (table.estimatedRows > MAX_COUNTED) return { rows: Math.round(table.estimatedRows), isEstimate: true };
  const [row] = await session.query<{ rows: number }>(
    `select count(*)::float8 as rows from ${quotedName(table)}`,
  );
  return { rows: row!.rows, isEstimate: false };
}
