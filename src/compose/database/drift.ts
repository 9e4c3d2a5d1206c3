import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { DatabasePlace } from "../../model/database.ts";
import { checkDrift, type DriftOutcome, type ExpectedSchema } from "../../postgres/drift/check-drift.ts";
import type { FormatChoice } from "../../postgres/migrations/read-history.ts";

export interface DriftRequest {
  folder: string;
  format: FormatChoice;
  expected: ExpectedSchema;
  ignore: readonly string[];
  exclude: readonly string[];
  /** File below the project folder. */
  baseline: string | undefined;
}

/** What differs from what is expected. Changes nothing in the database. Errors: as checkDrift. */
export async function databaseDrift(
  place: DatabasePlace,
  request: DriftRequest,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<DriftOutcome> {
  const { folder, format, expected, ignore, exclude, baseline } = request;
  return checkDrift({
    connectionString: place.connectionString.reveal(),
    directory: resolve(place.projectDirectory, folder),
    format,
    expected,
    ignore,
    exclude,
    baseline:
      baseline === undefined ? undefined : await readFile(resolve(place.projectDirectory, baseline), "utf8"),
    scratch: place.scratch,
    signal,
    progress,
  });
}

export { driftJson, driftLines, sqlLines } from "../../postgres/drift/drift-text.ts";
