import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { systemClock } from "../src/lib/clock.ts";
import { run } from "../src/lib/process.ts";
import { openJournal } from "../src/store/journal.ts";
import { openNotifications } from "../src/store/notifications.ts";
import { openPool } from "../src/store/pool.ts";
import type { Benchmark } from "./benchmark.ts";
import { buildPublishedForm } from "./support/published-form.ts";
import { openStateDatabase } from "./support/state-database.ts";
import { median, rounded } from "./support/statistics.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";
import { executeTrivialRun } from "./support/trivial-run.ts";

const ROUNDS = 25;
const WARM_UP = 3;
const COMMAND_TIMEOUT_MS = 20_000;
/** What `status` finds in the journal. */
const EARLIER_RUNS = 3;
const EARLIER_STEPS = 10;
const runbook = resolve(import.meta.dirname, "../examples/shop/tminus.yaml");

/** What it costs to ask: whole processes, from the start to the exit, of the published form. */
export const cli: Benchmark = {
  name: "cli",
  summary: "The time of a cold `tminus status` over that of an empty Node script.",
  async run(say, signal) {
    await using cleanUp = new AsyncDisposableStack();
    const folder = await temporaryFolder(cleanUp);
    say("building the published form and a project with a few runs");
    const program = await buildPublishedForm(folder, signal);
    const project = await makeProject(join(folder, "project"), cleanUp, signal);
    const empty = join(folder, "empty.mjs");
    await writeFile(empty, "");
    const commands = {
      emptyNode: [empty],
      status: [program, "status"],
      version: [program, "--version"],
      help: [program, "--help"],
    };
    const times = { emptyNode: [], status: [], version: [], help: [] } as Record<
      keyof typeof commands,
      number[]
    >;
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      for (const [name, argv] of Object.entries(commands)) {
        const ms = await timeOf(argv, project, signal);
        if (round >= 0) times[name as keyof typeof commands].push(ms);
      }
      if (round >= 0 && round % 5 === 4) say(`${round + 1} of ${ROUNDS} rounds`);
    }
    return {
      ratios: { statusOverEmptyNode: rounded(median(times.status) / median(times.emptyNode), 2) },
      figures: {
        statusMs: rounded(median(times.status), 1),
        emptyNodeMs: rounded(median(times.emptyNode), 1),
        versionMs: rounded(median(times.version), 1),
        helpMs: rounded(median(times.help), 1),
      },
    };
  },
};

/** A project with a running state database and a short history; the connections keep the server running. */
async function makeProject(
  project: string,
  cleanUp: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<string> {
  await mkdir(project);
  await copyFile(runbook, join(project, "tminus.yaml"));
  const url = await openStateDatabase(join(project, ".tminus/postgres"), cleanUp, signal);
  const pool = openPool(url, 2, () => undefined);
  cleanUp.defer(() => pool.end());
  const notifications = await openNotifications(url, systemClock);
  cleanUp.defer(() => notifications.close());
  const journal = openJournal(pool, notifications);
  for (let count = 0; count < EARLIER_RUNS; count++) {
    await executeTrivialRun({ pool, journal, directory: project, steps: EARLIER_STEPS, signal });
  }
  return project;
}

async function timeOf(argv: readonly string[], cwd: string, signal: AbortSignal): Promise<number> {
  const env = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", TMINUS_START_WORKER: "0" };
  const result = await run([process.execPath, ...argv], { cwd, env, timeoutMs: COMMAND_TIMEOUT_MS, signal });
  signal.throwIfAborted();
  if (result.exitCode !== 0)
    throw new Error(`${argv.join(" ")} failed: ${result.startError ?? result.output}`);
  return result.durationMs;
}
