import type { HistoryOwner, MigrationHistory, OwnerRow } from "./history.ts";
import type { LedgerRow } from "./ledger.ts";
import { compareVersions, versionKey, type Migration } from "./migration.ts";

export interface MigrationProblem {
  /**
   * failed: begun by the owner's tool and not finished. refused: pending, and tminus cannot run it. disowned: the
   * owner's table no longer has it. taken: another format's file has its version.
   */
  kind: "edited" | "missing" | "out-of-order" | "failed" | "refused" | "disowned" | "taken";
  file: string;
  reason: string;
  /** What to do about it, an imperative. */
  fix: string;
}

export interface Comparison {
  /** Files that have not run, oldest first, but for those of the contract phase. */
  pending: Migration[];
  /** Files of the contract phase that have not run, oldest first: they wait for sign-off, however long. */
  contract: Migration[];
  /** Files that the owner's tool has run and the ledger does not know yet: they are adopted, not run. */
  adoptable: Adoptable[];
  problems: MigrationProblem[];
}

export interface Adoptable {
  migration: Migration;
  row: OwnerRow;
  /** False: the owner's table does not say what it ran, so that the file is believed. */
  proven: boolean;
}

/** What the owner's table says, and what to do about its failed rows. */
export interface Owned {
  owner: HistoryOwner;
  rows: readonly OwnerRow[];
  /** By version. */
  advice: ReadonlyMap<string, string>;
}

/**
 * Pure: the files against what has run, in the ledger and, for the files of another tool, in that tool's table.
 * Expects files and ledger sorted.
 */
export function compareWithLedger(
  migrations: readonly Migration[],
  allRows: readonly LedgerRow[],
  format: MigrationHistory["format"] = "native",
  owned?: Owned,
): Comparison {
  const ledger = allRows.filter((row) => row.format === format);
  const files = new Map(migrations.map((migration) => [versionKey(migration), migration]));
  const inLedger = new Set(ledger.map(versionKey));
  const failed = owned?.rows.filter(({ state }) => state === "failed") ?? [];
  const applied = owned?.rows.filter(({ state }) => state === "applied") ?? [];
  const known = new Set([...inLedger, ...failed.map(keyOf), ...applied.map(keyOf)]);
  const waiting = migrations.filter((migration) => !known.has(versionKey(migration)));
  const pending = waiting.filter(({ phase }) => phase !== "contract");

  const problems = ledger.flatMap((row) => checkRow(row, files.get(versionKey(row)), owned));
  const adoptable: Adoptable[] = [];
  for (const row of owned === undefined ? [] : applied) {
    const file = files.get(row.version);
    const proven = file === undefined ? undefined : owned!.owner.agrees(file, row);
    if (inLedger.has(row.version)) continue;
    if (file === undefined) problems.push(missing(row.file, row.appliedAt, owned));
    else if (proven === false) problems.push(edited(file, row.appliedAt));
    else adoptable.push({ migration: file, row, proven: proven === true });
  }
  problems.push(...failed.map((row) => failure(row, owned!)));
  const ran = [...ledger, ...adoptable.map(({ migration }) => migration)].sort(compareVersions);
  problems.push(...pending.flatMap((migration) => checkPending(migration, ran.at(-1), allRows)));
  const contract = waiting.filter(({ phase }) => phase === "contract");
  return { pending, contract, adoptable, problems };
}

function keyOf({ version }: OwnerRow): string {
  return version;
}

function checkRow(
  row: LedgerRow,
  migration: Migration | undefined,
  owned: Owned | undefined,
): MigrationProblem[] {
  const theirs = owned?.rows.find(({ version }) => version === row.version);
  if (owned !== undefined && theirs === undefined) return [disowned(row, owned.owner)];
  if (migration === undefined) return [missing(row.file, row.appliedAt, owned)];
  const isSame = [migration.checksum, ...(migration.otherChecksums ?? [])].includes(row.checksum);
  const isTheirs =
    theirs === undefined || theirs.state === "failed" || owned?.owner.agrees(migration, theirs) !== false;
  return isSame && isTheirs ? [] : [edited(migration, row.appliedAt)];
}

function checkPending(
  migration: Migration,
  newest: { format: Migration["format"]; version: string; file: string } | undefined,
  rows: readonly LedgerRow[],
): MigrationProblem[] {
  const { file, format, version, refusals = [] } = migration;
  const problems = refusals.map((reason): MigrationProblem => ({
    kind: "refused",
    file,
    reason,
    fix: `Change ${file} as the message says; it has not run yet.`,
  }));
  if (newest !== undefined && compareVersions(migration, newest) < 0)
    problems.push(outOfOrder(migration, newest));
  const other = rows.find((row) => row.format !== format && row.version === version);
  if (other !== undefined) {
    problems.push({
      kind: "taken",
      file,
      reason: `${file} has not run, but ${other.file} of the ${other.format} format with the same version has`,
      fix: `Give ${file} a version of its own, or set format: ${other.format} if it is the same migration.`,
    });
  }
  return problems;
}

function missing(file: string, appliedAt: string | null, owned: Owned | undefined): MigrationProblem {
  const who = owned === undefined ? "" : ` (${owned.owner.table} has it)`;
  return {
    kind: "missing",
    file,
    reason: `${file} has run${on(appliedAt)} but is not in the folder${who}`,
    fix: `Put ${file} back as it was, or deploy a release that has it.`,
  };
}

function edited({ file }: Migration, appliedAt: string | null): MigrationProblem {
  return {
    kind: "edited",
    file,
    reason: `${file} was edited after it ran${on(appliedAt)}`,
    fix: `Restore ${file} as it ran and put the change into a new migration.`,
  };
}

function failure(row: OwnerRow, { owner, advice }: Owned): MigrationProblem {
  const log = row.log?.split("\n").find((line) => /ERROR|error/.test(line)) ?? row.log?.split("\n")[0];
  const why = log === undefined || log === "" ? "" : `: ${log.trim()}`;
  return {
    kind: "failed",
    file: row.file,
    reason: `${row.file} was begun by ${owner.name}${on(row.appliedAt)} and never finished${why}`,
    fix:
      advice.get(row.version) ?? `See what of it took effect, then run: ${owner.markReverted(row.version)}`,
  };
}

function disowned({ file, version, appliedAt }: LedgerRow, owner: HistoryOwner): MigrationProblem {
  return {
    kind: "disowned",
    file,
    reason: `${file} has run${on(appliedAt)}, but ${owner.table} no longer has it`,
    fix: `If its change is still in the database, run: ${owner.markApplied(version)}. If it was taken back by hand, delete its row from tminus.migration.`,
  };
}

function outOfOrder(migration: Migration, newest: { version: string; file: string }): MigrationProblem {
  return {
    kind: "out-of-order",
    file: migration.file,
    reason: `${migration.file} has not run but sorts before ${newest.file}, which has`,
    fix: `Rename ${migration.file} to a timestamp later than ${newest.version}.`,
  };
}

function on(appliedAt: string | null): string {
  return appliedAt === null ? "" : ` on ${appliedAt}`;
}
