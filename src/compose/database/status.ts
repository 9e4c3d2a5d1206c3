import { resolve } from "node:path";
import type { DatabasePlace } from "../../model/database.ts";
import { compareWithLedger, type Comparison } from "../../postgres/migrations/compare.ts";
import { discoverMigrations } from "../../postgres/migrations/discover.ts";
import { readLedger, type LedgerRow } from "../../postgres/migrations/ledger.ts";
import { readOnly } from "../../postgres/session/connect.ts";

const READ_TIMEOUT_MS = 15_000;

export interface MigrationStatus extends Comparison {
  applied: LedgerRow[];
}

/** What has run and what has not. Reads only. Errors: MIGRATION_INVALID, DATABASE_UNREACHABLE. */
export async function migrationStatus(
  place: DatabasePlace,
  folder: string,
  signal: AbortSignal,
): Promise<MigrationStatus> {
  const migrations = await discoverMigrations(resolve(place.projectDirectory, folder));
  const options = {
    connectionString: place.connectionString.reveal(),
    purpose: "look",
    statementTimeoutMs: READ_TIMEOUT_MS,
    signal,
  };
  const applied = await readOnly(options, readLedger);
  return { applied, ...compareWithLedger(migrations, applied) };
}
