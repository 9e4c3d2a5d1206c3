import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../src/lib/clock.ts";
import { run } from "../src/lib/process.ts";
import { openCluster } from "../src/store/embedded/open-cluster.ts";
import { removeCluster } from "../src/store/embedded/remove-cluster.ts";
import { createThrowawayDatabase } from "../src/store/throwaway-postgres.ts";
import type { Benchmark } from "./benchmark.ts";
import { buildPublishedForm } from "./support/published-form.ts";
import { migrationText, smallMigrations, type MigrationDialect } from "./support/small-migrations.ts";
import { median, rounded } from "./support/statistics.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const ROUNDS = 5;
const TIMEOUT_MS = 60_000;
const root = resolve(import.meta.dirname, "..");
const DBMATE = join(root, "node_modules/@dbmate/linux-x64/bin/dbmate");
const NODE_PG_MIGRATE = fileURLToPath(import.meta.resolve("node-pg-migrate/bin/node-pg-migrate"));

type Runner = "raw" | "merged" | "tminus" | "dbmate" | "nodePgMigrate";

/**
 * What protection costs: 500 small files into an empty database, whole processes, on a server that waits for the disk.
 * tminus is the published form, as what it is compared with is.
 */
export const migrate: Benchmark = {
  name: "migrate",
  summary:
    "500 small migrations with every protection over a raw loop with history, dbmate and node-pg-migrate.",
  async run(say, signal) {
    await using cleanUp = new AsyncDisposableStack();
    const folder = await temporaryFolder(cleanUp);
    const directory = join(folder, "postgres");
    cleanUp.defer(() => removeCluster(directory));
    const { connectionString } = await openCluster({ directory, clock: systemClock, signal });
    const dist = dirname(dirname(await buildPublishedForm(folder, signal)));
    const commands = await makeCommands(folder, dist, say);
    const times = new Map<Runner, number[]>([...commands.keys()].map((name) => [name, []]));
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [name, command] of commands) {
        const database = await createThrowawayDatabase(connectionString);
        const { argv, env } = command(database.url);
        const ended = await run(argv, { cwd: folder, env, timeoutMs: TIMEOUT_MS, signal });
        signal.throwIfAborted();
        if (ended.exitCode !== 0) throw new Error(`${name} failed: ${ended.startError ?? ended.output}`);
        if (round > 0) times.get(name)!.push(ended.durationMs);
        await database.drop();
      }
      if (round > 0) say(`round ${round} of ${ROUNDS}: ${lastOf(times)}`);
    }
    const ms = (name: Runner): number => median(times.get(name) ?? []);
    const over = (name: Runner): number => rounded(ms("tminus") / ms(name), 2);
    return {
      ratios: {
        overRawLoop: over("raw"),
        overMergedLoop: over("merged"),
        ...(commands.has("dbmate") ? { overDbmate: over("dbmate") } : {}),
        overNodePgMigrate: over("nodePgMigrate"),
      },
      figures: Object.fromEntries([...commands.keys()].map((name) => [`${name}Ms`, rounded(ms(name), 0)])),
    };
  },
};

interface Command {
  argv: string[];
  env: Record<string, string>;
}

async function makeCommands(
  folder: string,
  dist: string,
  say: (line: string) => void,
): Promise<Map<Runner, (url: string) => Command>> {
  const directories = { raw: "", tminus: "", dbmate: "", "node-pg-migrate": "" };
  for (const dialect of Object.keys(directories) as (keyof typeof directories)[])
    directories[dialect] = await writeFiles(folder, dialect);
  const env = { PATH: process.env.PATH ?? "", HOME: folder };
  const child = (file: string, ...rest: string[]): ((url: string) => Command) => {
    const program = fileURLToPath(new URL(`./support/${file}`, import.meta.url));
    const directory = file.startsWith("raw") ? directories.raw : directories.tminus;
    return (url) => ({ argv: [process.execPath, program, url, directory, ...rest], env });
  };
  const commands = new Map<Runner, (url: string) => Command>([
    ["raw", child("raw-migrate-child.ts")],
    ["merged", child("raw-migrate-child.ts", "merged")],
    ["tminus", child("tminus-migrate-child.ts", dist)],
    [
      "nodePgMigrate",
      (url) => ({
        argv: [
          process.execPath,
          NODE_PG_MIGRATE,
          "up",
          "-m",
          directories["node-pg-migrate"],
          "--no-single-transaction",
          "--no-verbose",
        ],
        env: { ...env, DATABASE_URL: url },
      }),
    ],
  ]);
  if (existsSync(DBMATE)) {
    commands.set("dbmate", (url) => ({
      argv: [DBMATE, "--no-dump-schema", "--migrations-dir", directories.dbmate, "migrate"],
      env: { ...env, DATABASE_URL: forDbmate(url) },
    }));
  } else say("dbmate is not installed for this platform, so there is no comparison with it");
  return commands;
}

async function writeFiles(folder: string, dialect: MigrationDialect | "raw"): Promise<string> {
  const directory = join(folder, dialect);
  await mkdir(directory);
  for (const { file, sql } of smallMigrations())
    await writeFile(join(directory, file), dialect === "raw" ? `${sql}\n` : migrationText(sql, dialect));
  return directory;
}

/** It names the folder of the socket in its own way. */
function forDbmate(url: string): string {
  const parsed = new URL(url);
  parsed.searchParams.set("socket", parsed.searchParams.get("host") ?? "");
  parsed.searchParams.delete("host");
  return parsed.href.replace("postgresql:", "postgres:");
}

function lastOf(times: ReadonlyMap<Runner, readonly number[]>): string {
  return [...times].map(([name, values]) => `${name} ${rounded(values.at(-1)!, 0)} ms`).join(", ");
}
