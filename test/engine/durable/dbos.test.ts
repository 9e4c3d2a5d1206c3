import { fork, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";
import { eventually } from "../../support/processes.ts";

/** What tminus relies on, on the real engine; each in a process of its own, because there is one to a process. */
const PROGRAM = resolve(import.meta.dirname, "../../fixtures/durable/engine-child.ts");

let database: FreshDatabase;
let directory: string;
let effects: string;
let workers: Worker[];

beforeEach(async () => {
  database = await freshDatabase();
  directory = mkdtempSync(join(tmpdir(), "tminus-dbos-"));
  effects = join(directory, "effects");
  workers = [];
});
afterEach(async () => {
  for (const worker of workers) await worker.kill();
  await database.drop();
  rmSync(directory, { recursive: true });
});

async function isNoted(id: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    const sql = "select 1 from dbos.workflow_status where workflow_uuid = $1 and status = 'SUCCESS'";
    return (await client.query(sql, [id])).rowCount === 1;
  } finally {
    await client.end();
  }
}

class Worker {
  readonly #child: ChildProcess;

  constructor(id: string, mode: "works" | "hangs" = "works") {
    this.#child = fork(PROGRAM, [database.url, id, effects, mode], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: { PATH: process.env.PATH ?? "", NODE_NO_WARNINGS: "1" },
    });
    workers.push(this);
  }

  static async started(id: string, mode: "works" | "hangs" = "works"): Promise<Worker> {
    const worker = new Worker(id, mode);
    await worker.answer();
    return worker;
  }

  /** The next answer; rejects when the process ended instead. */
  async answer(): Promise<unknown> {
    const ended = once(this.#child, "exit").then(() => [{ error: "the process ended" }]);
    const [{ result, error }] = (await Promise.race([once(this.#child, "message"), ended])) as [
      { result?: unknown; error?: string },
    ];
    if (error !== undefined) throw new Error(error);
    return result;
  }

  call(call: "start" | "recover" | "close", argument = ""): Promise<unknown> {
    const answer = this.answer();
    this.#child.send({ call, argument });
    return answer;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  async close(): Promise<void> {
    const gone = once(this.#child, "exit");
    await this.call("close").catch(() => undefined); // the channel closes before or after the answer
    await gone;
  }
}

function lines(): string[] {
  return existsSync(effects) ? readFileSync(effects, "utf8").trim().split("\n").sort() : [];
}

const has = (line: string) => () => lines().includes(line);

describe("the durable engine", () => {
  it("comes up in every process that starts on an empty database", async () => {
    const starting = ["a", "b", "c"].map((id) => new Worker(id));
    expect(await Promise.all(starting.map((worker) => worker.answer()))).toEqual(["ready", "ready", "ready"]);
    await starting[0]!.call("start", "r1");
    await eventually("the run was executed", () => lines().some((line) => line.endsWith("ended r1")));
  });

  it("executes an id once, however often and wherever it is started, also after it has ended", async () => {
    const [a, b] = [await Worker.started("a"), await Worker.started("b")];
    await Promise.all([a.call("start", "r1"), b.call("start", "r1")]);
    await eventually("the run was executed", () => lines().some((line) => line.endsWith("ended r1")));
    await b.call("start", "r1");
    await a.close();
    const c = await Worker.started("c");
    await c.call("start", "r1");
    await c.call("start", "r2");
    await eventually("the next run was executed", () => lines().some((line) => line.endsWith("ended r2")));
    expect(lines().filter((line) => line.endsWith("r1"))).toHaveLength(2);
  });

  it("leaves the run of a dead worker alone until it is recovered, then a living one executes it from its start", async () => {
    const dying = await Worker.started("dying", "hangs");
    await dying.call("start", "r1");
    await eventually("it began", has("dying began r1"));
    await dying.kill();
    const heir = await Worker.started("heir");
    await heir.call("start", "r1");
    await heir.call("start", "r2");
    await eventually("the heir works", has("heir ended r2"));
    expect(lines()).not.toContain("heir began r1");
    expect(await heir.call("recover", "dying")).toEqual(["r1"]);
    await eventually("the heir has executed it", has("heir ended r1"));
    expect(await heir.call("recover", "dying")).toEqual([]);
  });

  it("recovers nothing of a worker whose runs have all ended", async () => {
    const worker = await Worker.started("a");
    await worker.call("start", "r1");
    // Not only executed: the engine has to have noted it before the worker dies.
    await eventually("the engine noted its end", () => isNoted("r1"));
    await worker.kill();
    const heir = await Worker.started("heir");
    expect(await heir.call("recover", "a")).toEqual([]);
  });

  it("closes although something is being executed, and leaves that to be recovered", async () => {
    const closing = await Worker.started("closing", "hangs");
    await closing.call("start", "r1");
    await eventually("it began", has("closing began r1"));
    await closing.close();
    const heir = await Worker.started("heir");
    expect(await heir.call("recover", "closing")).toEqual(["r1"]);
    await eventually("the heir has executed it", has("heir ended r1"));
  });
});
