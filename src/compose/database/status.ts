import { resolve } from "node:path";
import type { DatabasePlace } from "../../model/database.ts";
import type { HistoryFormat } from "../../postgres/migrations/migration.ts";
import {
  discoverHistory,
  readStanding,
  type FormatChoice,
  type Standing,
} from "../../postgres/migrations/read-history.ts";
import { readOnly } from "../../postgres/session/connect.ts";

export type { FormatChoice };

const READ_TIMEOUT_MS = 15_000;

export interface MigrationStatus extends Standing {
  format: HistoryFormat;
}

/** What has run and what has not. Reads only. Errors: MIGRATION_INVALID, DATABASE_UNREACHABLE. */
export async function migrationStatus(
  place: DatabasePlace,
  folder: string,
  choice: FormatChoice,
  signal: AbortSignal,
): Promise<MigrationStatus> {
  const { format, migrations } = await discoverHistory(resolve(place.projectDirectory, folder), choice);
  const options = {
    connectionString: place.connectionString.reveal(),
    purpose: "look",
    statementTimeoutMs: READ_TIMEOUT_MS,
    signal,
  };
  const standing = await readOnly(options, (session) => readStanding(session, format, migrations));
  return { format, ...standing };
}
