import { systemClock } from "../src/lib/clock.ts";
import type { Journal } from "../src/model/journal.ts";
import { openJournal } from "../src/store/journal.ts";
import { openNotifications } from "../src/store/notifications.ts";
import { openClient, openPool, type Client, type Pool } from "../src/store/pool.ts";
import { listEvents } from "../src/store/runs.ts";
import type { Benchmark, BenchmarkResult } from "./benchmark.ts";
import { runChild } from "./support/run-child.ts";
import { openStateDatabase } from "./support/state-database.ts";
import { median, rounded } from "./support/statistics.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";
import { executeTrivialRun } from "./support/trivial-run.ts";

const ROUNDS = 7;
const STEPS = 300;
const INSERTS = 600;
const WARM_UP = 100;

/**
 * What durability costs: a whole step of a real run (intent and outcome, each fenced and journalled) over one
 * INSERT of one row on the same database, which waits for the disk; and a step of the plain engine over the same.
 */
export const engine: Benchmark = {
  name: "engine",
  summary: "A fenced and journalled step of a run over one raw INSERT on the same database.",
  async run(say, signal) {
    await using cleanUp = new AsyncDisposableStack();
    const directory = await temporaryFolder(cleanUp);
    say("making a state database");
    const url = await openStateDatabase(directory, cleanUp, signal);
    const bench = await open(url, directory, cleanUp);
    await measureInserts(bench);
    await measureSteps(bench, signal);
    const rounds: Round[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const insertMs = await measureInserts(bench);
      const { stepMs, events } = await measureSteps(bench, signal);
      const plainStepMs = Number(
        await runChild(
          new URL("./support/plain-engine-child.ts", import.meta.url),
          [url, WARM_UP, STEPS],
          signal,
        ),
      );
      rounds.push({ insertMs, stepMs, events, plainStepMs });
      say(
        `round ${round} of ${ROUNDS}: INSERT ${insertMs.toFixed(3)} ms, step ${stepMs.toFixed(3)} ms, plain engine ${plainStepMs.toFixed(3)} ms`,
      );
    }
    return resultOf(rounds);
  },
};

interface Round {
  insertMs: number;
  stepMs: number;
  /** Journalled per step. */
  events: number;
  plainStepMs: number;
}

interface Bench {
  pool: Pool;
  journal: Journal;
  client: Client;
  directory: string;
}

async function open(url: string, directory: string, cleanUp: AsyncDisposableStack): Promise<Bench> {
  const pool = openPool(url, 4, () => undefined);
  cleanUp.defer(() => pool.end());
  const notifications = await openNotifications(url, systemClock);
  cleanUp.defer(() => notifications.close());
  const client = await openClient(url);
  cleanUp.defer(() => client.end());
  await client.query(
    "create table public.bench_insert (id bigint generated always as identity primary key, note text not null)",
  );
  return { pool, journal: openJournal(pool, notifications), client, directory };
}

/** Milliseconds of one INSERT, awaited one after another. */
async function measureInserts({ client }: Bench): Promise<number> {
  const startedMs = systemClock.monotonicMs();
  for (let count = 0; count < INSERTS; count++) {
    await client.query("insert into public.bench_insert (note) values ($1)", [`note ${count}`]);
  }
  return (systemClock.monotonicMs() - startedMs) / INSERTS;
}

/**
 * Milliseconds of one step, by the journal's own times from the start of the only stage to its end: taking
 * the lease and looking at the public URL at the end, which waits on purpose, belong to the run.
 */
async function measureSteps(
  { pool, journal, directory }: Bench,
  signal: AbortSignal,
): Promise<{ stepMs: number; events: number }> {
  const id = await executeTrivialRun({ pool, journal, directory, steps: STEPS, signal });
  const events = await listEvents(pool, id, 0);
  const started = events.find(({ type }) => type === "stage.started");
  const ended = events.find(({ type }) => type === "stage.ended");
  const done = events.filter(({ type }) => type === "step.done").length;
  if (started === undefined || ended === undefined || done !== STEPS)
    throw new Error(`the run did ${done} of ${STEPS} steps`);
  return {
    stepMs: (ended.at.getTime() - started.at.getTime()) / STEPS,
    events: (ended.sequence - started.sequence - 1) / STEPS,
  };
}

function resultOf(rounds: readonly Round[]): BenchmarkResult {
  const of = (pick: (round: Round) => number): number => median(rounds.map(pick));
  return {
    ratios: {
      stepOverRoundTrip: rounded(
        of(({ stepMs, insertMs }) => stepMs / insertMs),
        2,
      ),
    },
    figures: {
      stepsPerSecond: rounded(1000 / of(({ stepMs }) => stepMs), 0),
      insertsPerSecond: rounded(1000 / of(({ insertMs }) => insertMs), 0),
      eventsPerStep: rounded(
        of(({ events }) => events),
        2,
      ),
      plainEngineOverRoundTrip: rounded(
        of(({ plainStepMs, insertMs }) => plainStepMs / insertMs),
        2,
      ),
    },
  };
}
