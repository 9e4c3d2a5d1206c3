import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Applies a folder as a run does, with every protection on, by the published form; prints how many files were applied. */
const [connectionString, directory, dist] = process.argv.slice(2);
if (connectionString === undefined || directory === undefined || dist === undefined)
  throw new TypeError("usage: tminus-migrate-child <url> <directory> <dist>");
const load = (file: string): Promise<unknown> => import(pathToFileURL(join(dist, file)).href);
const { systemClock } = (await load("lib/clock.js")) as typeof import("../../src/lib/clock.ts");
const { applyMigrations } = (await load(
  "postgres/migrations/apply.js",
)) as typeof import("../../src/postgres/migrations/apply.ts");
const { discoverMigrations } = (await load(
  "postgres/migrations/discover.js",
)) as typeof import("../../src/postgres/migrations/discover.ts");
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
