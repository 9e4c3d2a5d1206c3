import { resolve } from "node:path";
import { hashJson } from "../../lib/hash.ts";
import type { Session } from "../session/connect.ts";
import { compareWithLedger, type Comparison, type Owned } from "./compare.ts";
import { digestMigrations } from "./discover.ts";
import { detectFormat } from "./history/detect.ts";
import { historyOf } from "./history/registry.ts";
import type { OwnerRow } from "./history.ts";
import { digestLedger, readLedger, type LedgerRow } from "./ledger.ts";
import type { HistoryFormat, Migration } from "./migration.ts";

/** What a runbook or a person may say: auto looks at the folder. */
export type FormatChoice = HistoryFormat | "auto";

export interface FolderOfMigrations {
  format: HistoryFormat;
  migrations: Migration[];
  /** Changes when a file is added, removed, renamed or edited. */
  digest: string;
}

/** Every migration of a folder in the order in which they run. Errors: MIGRATION_INVALID. */
export async function discoverHistory(
  directory: string,
  choice: FormatChoice = "auto",
): Promise<FolderOfMigrations> {
  const format = choice === "auto" ? await detectFormat(resolve(directory)) : choice;
  const migrations = await historyOf(format).discover(directory);
  return { format, migrations, digest: digestMigrations(migrations) };
}

export interface Standing extends Comparison {
  /** Rows of this format, oldest first. */
  ledger: LedgerRow[];
  /** Files that have run, oldest first: those that are neither pending nor wait for sign-off. */
  ran: Migration[];
  /** Changes when anybody applies or takes back a migration. */
  digest: string;
}

/** The files against what the database remembers. Reads only. */
export async function readStanding(
  session: Session,
  format: HistoryFormat,
  migrations: readonly Migration[],
): Promise<Standing> {
  const rows = await readLedger(session);
  const owned = await readOwner(session, format, migrations);
  const ledger = rows.filter((row) => row.format === format);
  const comparison = compareWithLedger(migrations, rows, format, owned);
  const waiting = new Set([...comparison.pending, ...comparison.contract]);
  return {
    ledger,
    ran: migrations.filter((migration) => !waiting.has(migration)),
    digest: digestStanding(ledger, owned?.rows),
    ...comparison,
  };
}

async function readOwner(
  session: Session,
  format: HistoryFormat,
  migrations: readonly Migration[],
): Promise<Owned | undefined> {
  const { owner } = historyOf(format);
  if (owner === undefined) return undefined;
  const rows = await owner.read(session);
  const advice = new Map<string, string>();
  for (const row of rows) {
    if (row.state !== "failed" || owner.adviseOnFailure === undefined) continue;
    const migration = migrations.find(({ version }) => version === row.version);
    advice.set(row.version, await owner.adviseOnFailure(session, row, migration));
  }
  return { owner, rows, advice };
}

/** What the owner's table has decides what has run, whether the ledger has adopted it yet or not. */
function digestStanding(ledger: readonly LedgerRow[], rows: readonly OwnerRow[] | undefined): string {
  if (rows === undefined) return digestLedger(ledger);
  return hashJson(rows.map(({ version, state, checksum }) => [version, state, checksum]));
}
