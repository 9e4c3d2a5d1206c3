import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { toErrorRecord } from "../../../src/errors.ts";
import { run } from "../../../src/lib/process.ts";
import type { StepResult } from "../../../src/model/step-kind.ts";
import { openCluster, type Cluster } from "../../../src/store/embedded/open-cluster.ts";
import { removeCluster } from "../../../src/store/embedded/remove-cluster.ts";
import { createThrowawayDatabase } from "../../../src/store/throwaway-postgres.ts";
import { eventually } from "../../support/processes.ts";
import { KINDS } from "./drill/kinds.ts";
import { openPlace, type Acted, type DrillPlace } from "./drill/place.ts";
import { runKind, type DrillKind } from "./drill/run-kind.ts";

const CHILD = fileURLToPath(new URL("./drill/undo-child.ts", import.meta.url));

let home: string;
let cluster: Cluster;

/** What is committed is with the operating system, which lives on; it is only not waited for the disk. */
async function start(): Promise<void> {
  const settings = { fsync: "off", full_page_writes: "off", max_connections: "100" };
  cluster = await openCluster({ directory: home, clock: systemClock, settings });
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "tminus-drill-home-"));
  await start();
});
afterAll(async () => {
  await removeCluster(home);
  await rm(home, { recursive: true, force: true });
});

function kindOf(title: string): DrillKind {
  const kind = KINDS.find((one) => one.title === title);
  if (kind === undefined) throw new Error(`no kind is called ${title}`);
  return kind;
}

/** In processes of their own: the first is killed with SIGKILL at the crash point, the second lives. */
async function undoKilled(place: DrillPlace, step: Acted, point: string): Promise<StepResult> {
  const file = join(place.directory, "undo.json");
  const log = join(place.directory, "crash.log");
  await writeFile(
    file,
    JSON.stringify({ place: { url: place.url, directory: place.directory }, input: step.undoInput }),
  );
  const env = { TMINUS_CRASH_LOG: log, TMINUS_CRASH_ONLY: point, PATH: process.env.PATH ?? "" };
  const killed = await run([process.execPath, CHILD, file], { env, timeoutMs: 30_000 });
  expect(killed.signalName, killed.output).toBe("SIGKILL");
  expect(readFileSync(log, "utf8")).toContain(point);
  const ended = await run([process.execPath, CHILD, file], { env, timeoutMs: 30_000 });
  expect(ended.exitCode, ended.output).toBe(0);
  return JSON.parse(ended.output.trim().split("\n").at(-1)!) as StepResult;
}

/** Holds the undo back when it has put the values back, and kills its backend, or the whole server, before it commits. */
async function undoOnKilledServer(place: DrillPlace, step: Acted, isWhole: boolean): Promise<StepResult> {
  const observer = new pg.Client({ connectionString: cluster.connectionString });
  observer.on("error", () => undefined);
  await observer.connect();
  await place.query("begin");
  await place.query("select from tminus_archive.dropped where restored_at is null for update");
  const first = step.undo().then(
    (result) => result.outcome,
    (error: unknown) => toErrorRecord(error).code,
  );
  let pid: number | undefined;
  await eventually("the undo is in the middle of its transaction", async () => {
    const { rows } = await observer.query<{ pid: number }>(
      `select pid from pg_stat_activity where application_name like 'tminus%'
       and wait_event_type = 'Lock' and query like 'update tminus_archive.dropped%'`,
    );
    pid = rows[0]?.pid;
    return pid !== undefined;
  });
  await observer.end();
  process.kill(isWhole ? cluster.postmaster.pid : pid!, "SIGKILL");
  // A server that comes back by itself is connected to again, and the undo goes on by itself.
  const ended = await first;
  if (isWhole) {
    expect(ended).toBe("DATABASE_UNREACHABLE");
    await start();
  }
  return step.undo();
}

describe("a rollback that is killed in the middle while clients write, and run once more", () => {
  it.each([
    { title: "row-level security with a policy over a new column", point: "migrate.before-commit" },
    { title: "contract drops a column, archived", point: "migrate.before-commit" },
    { title: "contract drops a table, archived", point: "migrate.before-commit" },
    { title: "backfill an empty column, and set it to null again", point: "migrate.after-commit" },
  ])("loses and doubles nothing: $title, the client with SIGKILL", async ({ title, point }) => {
    const kind = kindOf(title);
    await using place = await openPlace(await createThrowawayDatabase(cluster.connectionString), kind.setup);
    await runKind(kind, place, { undo: (step) => undoKilled(place, step, point), isCut: false });
  });

  it.each([
    { title: "contract drops a column, archived", isWhole: false },
    { title: "contract drops a table, archived", isWhole: true },
  ])("loses and doubles nothing: $title, the server with SIGKILL", async ({ title, isWhole }) => {
    const kind = kindOf(title);
    await using place = await openPlace(await createThrowawayDatabase(cluster.connectionString), kind.setup);
    const report = await runKind(kind, place, {
      undo: (step) => undoOnKilledServer(place, step, isWhole),
      isCut: true,
    });
    expect(report.inDoubt).toBeGreaterThan(0);
  });
});
