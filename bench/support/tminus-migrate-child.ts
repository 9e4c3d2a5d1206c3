import { systemClock } from "../../src/lib/clock.ts";
import { applyMigrations } from "../../src/postgres/migrations/apply.ts";
import { discoverMigrations } from "../../src/postgres/migrations/discover.ts";

/** Applies a folder as a run does, with every protection on; prints how many files were applied. */
const [connectionString, directory] = process.argv.slice(2);
if (connectionString === undefined || directory === undefined)
  throw new TypeError("usage: tminus-migrate-child <url> <directory>");
const rows = await applyMigrations(await discoverMigrations(directory), {
  connectionString,
  fence: { environment: "bench", token: 1 },
  runKey: "bench",
  appliedBy: "bench",
  lockTimeoutMs: 2_000,
  lockRetries: 20,
  statementTimeoutMs: 60_000,
  clock: systemClock,
  signal: new AbortController().signal,
  progress: () => undefined,
});
process.stdout.write(`${rows.length}\n`);
