import type { LedgerRow } from "./ledger.ts";
import { compareVersions, type Migration } from "./migration.ts";

export interface MigrationProblem {
  kind: "edited" | "missing" | "out-of-order";
  file: string;
  reason: string;
  /** What to do about it, an imperative. */
  fix: string;
}

export interface Comparison {
  /** Files without a ledger row, oldest first, but for those of the contract phase. */
  pending: Migration[];
  /** Files of the contract phase without a ledger row, oldest first: they wait for sign-off, however long. */
  contract: Migration[];
  problems: MigrationProblem[];
}

/** Pure: the files against what the ledger says has run. Expects both sorted by version. */
export function compareWithLedger(
  migrations: readonly Migration[],
  ledger: readonly LedgerRow[],
): Comparison {
  const files = new Map(migrations.map((migration) => [BigInt(migration.version), migration]));
  const ran = new Set(ledger.map(({ version }) => BigInt(version)));
  const waiting = migrations.filter(({ version }) => !ran.has(BigInt(version)));
  const pending = waiting.filter(({ phase }) => phase !== "contract");
  const problems = ledger.flatMap((row) => checkRow(row, files.get(BigInt(row.version))));
  const newest = ledger.at(-1);
  if (newest !== undefined) {
    for (const migration of pending) {
      if (compareVersions(migration, newest) < 0) problems.push(outOfOrder(migration, newest));
    }
  }
  return { pending, contract: waiting.filter(({ phase }) => phase === "contract"), problems };
}

function checkRow(row: LedgerRow, migration: Migration | undefined): MigrationProblem[] {
  const file = fileOf(row);
  if (migration === undefined) {
    return [
      {
        kind: "missing",
        file,
        reason: `${file} has run on ${row.appliedAt} but is not in the folder`,
        fix: `Put ${file} back as it was, or deploy a release that has it.`,
      },
    ];
  }
  if (migration.checksum === row.checksum) return [];
  return [
    {
      kind: "edited",
      file: migration.file,
      reason: `${migration.file} was edited after it ran on ${row.appliedAt}`,
      fix: `Restore ${migration.file} as it ran and put the change into a new migration.`,
    },
  ];
}

function outOfOrder(migration: Migration, newest: LedgerRow): MigrationProblem {
  return {
    kind: "out-of-order",
    file: migration.file,
    reason: `${migration.file} has not run but sorts before ${fileOf(newest)}, which has`,
    fix: `Rename ${migration.file} to a timestamp later than ${newest.version}.`,
  };
}

function fileOf({ version, name }: { version: string; name: string }): string {
  return `${version}_${name}.sql`;
}
