import { TminusError } from "../errors.ts";
import type { Clock } from "../lib/clock.ts";
import type { Run } from "../model/run.ts";
import type { RunFilter } from "../model/run-list.ts";
import type { ApprovedBefore, RollbackLine, Tminus, WatchedStep } from "../model/tminus.ts";
import type {
  AttemptResource,
  EventResource,
  RunPageResource,
  RunResource,
  RunSummary,
} from "../server/contract/run.ts";
import type { Connection } from "./connection.ts";
import { followRun, type FollowPorts } from "./follow.ts";
import { query } from "./query.ts";
import { attemptOf, eventOf, listedRunOf, runOf } from "./revive.ts";
import { runPath } from "./run-path.ts";

type RunCalls = Pick<
  Tminus,
  | "ensureWorker"
  | "changesSinceApproval"
  | "findRun"
  | "runs"
  | "listRuns"
  | "activeRuns"
  | "attempts"
  | "events"
  | "follow"
  | "send"
  | "previewRollback"
  | "watched"
  | "sources"
>;

/** What a step has seen is asked for at every tick of a display; the server is asked this often. */
const WATCHED_EVERY_MS = 3000;

/** The API lists no more at once. */
const MAX_PAGE = 200;

/** What is asked of runs and told to them. */
export function remoteRuns(ports: FollowPorts): RunCalls {
  const { connection, clock } = ports;
  const watched = watchedNowAndThen(connection, clock);
  const read = async (id: string, environment?: string): Promise<Run> =>
    runOf(await connection.get<RunResource>(`${runPath(id)}${query({ environment })}`));
  const wholeOf = async ({ runs }: RunPageResource): Promise<Run[]> => {
    const whole: Run[] = [];
    for (const { id } of runs) whole.push(await read(id));
    return whole;
  };
  return {
    /** Workers are the server's to run. */
    ensureWorker: async () => undefined,
    findRun: async (id, environment) => {
      if (id !== undefined) return read(id, environment);
      const [newest] = (await listed(connection, { environment, limit: 1 })).runs;
      if (newest === undefined)
        throw new TminusError("RUN_UNKNOWN", "there is no run yet", {
          hint: "Look ahead with: tminus plan --release <name>",
        });
      return read(newest.id);
    },
    runs: async (filter) => wholeOf(await listed(connection, filter)),
    listRuns: async (filter) => {
      const { runs, hasOlder } = await listed(connection, filter);
      return { runs: runs.map(listedRunOf), hasOlder };
    },
    activeRuns: async (environment) => {
      const found = await listed(connection, { environment, limit: MAX_PAGE, state: "active" });
      return (await wholeOf(found)).reverse();
    },
    attempts: async (id) =>
      (await connection.get<{ attempts: AttemptResource[] }>(`${runPath(id)}/attempts`)).attempts.map(
        attemptOf,
      ),
    events: async (id, after) =>
      (await connection.get<{ events: EventResource[] }>(`${runPath(id)}/events?after=${after}`)).events.map(
        eventOf,
      ),
    follow: (id, after, signal) => followRun(ports, id, after, signal),
    send: async (id, body) => {
      await connection.send("POST", `${runPath(id)}/signals`, body);
    },
    previewRollback: async (id, signal) =>
      (await connection.get<{ lines: RollbackLine[] }>(`${runPath(id)}/rollback-preview`, signal)).lines,
    changesSinceApproval: async (id) => {
      const { changes } = await connection.get<{ changes: Json<ApprovedBefore> | null }>(
        `${runPath(id)}/changes`,
      );
      return changes === null ? undefined : { ...changes, at: new Date(changes.at) };
    },
    watched,
    sources: async (id) =>
      (await connection.get<{ sources: Awaited<ReturnType<Tminus["sources"]>> }>(`${runPath(id)}/sources`))
        .sources,
  };
}

type Json<T extends { at: Date }> = Omit<T, "at"> & { at: string };

/** As many as are wanted, page by page. */
async function listed(
  connection: Connection,
  filter: RunFilter & { limit: number },
): Promise<RunPageResource> {
  const { environment, state, outcome, search, limit } = filter;
  const runs: RunSummary[] = [];
  let { before } = filter;
  for (;;) {
    const asked = {
      environment,
      state,
      outcome,
      search,
      before,
      limit: Math.min(limit - runs.length, MAX_PAGE),
    };
    const page = await connection.get<RunPageResource>(`/runs${query(asked)}`);
    runs.push(...page.runs);
    if (!page.hasOlder || runs.length >= limit) return { runs, hasOlder: page.hasOlder };
    before = page.runs.at(-1)?.id;
  }
}

function watchedNowAndThen(connection: Connection, clock: Clock): Tminus["watched"] {
  let last: { path: string; atMs: number; steps: WatchedStep[] } | undefined;
  return async (id, step) => {
    const path = `${runPath(id)}/watched${query({ step })}`;
    const nowMs = clock.monotonicMs();
    if (last?.path === path && nowMs - last.atMs < WATCHED_EVERY_MS) return last.steps;
    const { steps } = await connection.get<{ steps: WatchedStep[] }>(path);
    last = { path, atMs: nowMs, steps };
    return steps;
  };
}
