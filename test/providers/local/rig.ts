import { Agent, request } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { systemClock } from "../../../src/lib/clock.ts";
import { spawnDetached, terminate, type ProcessIdentity } from "../../../src/lib/process.ts";
import type { EdgeDocument, EdgeRoute } from "../../../src/providers/local/edge/document.ts";
import { EdgeClient, type EdgeStatus } from "../../../src/providers/local/edge-client.ts";
import {
  startEdge,
  type EdgeContext,
  type EdgeSettings,
} from "../../../src/providers/local/edge-launcher.ts";
import { freePort } from "../../../src/providers/local/free-port.ts";
import { createLayout } from "../../../src/providers/local/layout.ts";

const POLL_MS = 10;
const POLL_LIMIT_MS = 20_000;
export const appFile: string = resolve(import.meta.dirname, "../../fixtures/apps/plain.mjs");

/** Everything a test starts, undone in reverse by `cleanUp`. */
export class Rig {
  readonly #undo: (() => unknown)[] = [];

  defer(undo: () => unknown): void {
    this.#undo.push(undo);
  }

  /** Undoes everything even when something fails, and then rejects with the first failure. */
  async cleanUp(): Promise<void> {
    const failures: unknown[] = [];
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        await undo();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "tminus-test-"));
    this.defer(() => rm(folder, { recursive: true, force: true }));
    return folder;
  }

  /** A running application process of a release, reachable at the port. */
  async app(release: string, folder: string): Promise<{ port: number; identity: ProcessIdentity }> {
    const port = await freePort("127.0.0.1", `${folder}:${release}`);
    const identity = await spawnDetached([process.execPath, appFile], {
      env: { PORT: String(port), HOST: "127.0.0.1", RELEASE_ID: release },
      logFile: join(folder, `${release}.log`),
    });
    this.defer(() => terminate(identity, 1_000));
    await until(async () => (await ask(port, "/health")).status === 200);
    return { port, identity };
  }

  /** An edge process of its own, stopped at the end with whatever replaced it. */
  async edge(
    folder: string,
  ): Promise<{ context: EdgeContext; settings: EdgeSettings; status: EdgeStatus; port: number }> {
    const layout = createLayout(folder, "test");
    const context: EdgeContext = { layout, client: new EdgeClient(layout.sockets), clock: systemClock };
    const port = await freePort("127.0.0.1", folder);
    const settings: EdgeSettings = { host: "127.0.0.1", port, trustForwarded: false, drainMs: 3_000 };
    const status = await startEdge(context, settings);
    this.defer(async () => {
      const pids = await context.client.quit(0);
      for (const pid of pids) await terminate({ pid, startedAt: "" }, 1_000);
    });
    return { context, settings, status, port };
  }
}

export interface Answer {
  /** 0 when there was no answer. */
  status: number;
  body: string;
  headers: Record<string, string | string[] | undefined>;
}

/** One request on a connection of its own, or the agent's. Never rejects. */
export function ask(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; agent?: Agent; body?: string } = {},
): Promise<Answer> {
  return new Promise((done) => {
    const failed = (error: Error): void => done({ status: 0, body: error.message, headers: {} });
    const call = request({
      host: "127.0.0.1",
      port,
      path,
      method: options.method ?? "GET",
      headers: options.headers ?? {},
      agent: options.agent ?? false,
    });
    call.once("error", failed);
    call.once("response", (res) => {
      let body = "";
      res.setEncoding("utf8");
      res.on("data", (chunk: string) => (body += chunk));
      res.once("error", failed);
      res.once("end", () => done({ status: res.statusCode ?? 0, body, headers: res.headers }));
    });
    call.end(options.body);
  });
}

export interface LoadAnswer {
  startedMs: number;
  endedMs: number;
  status: number;
  release: string;
  detail: string;
}

/**
 * Keep-alive connections that ask over and over, GET and POST in turn, with a short pause, until `stop`. Without
 * cookies: each request is a new client to the edge.
 */
export function startLoad(
  port: number,
  connections: number,
): { answers: LoadAnswer[]; stop: () => Promise<LoadAnswer[]> } {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const answers: LoadAnswer[] = [];
  const load = { running: true };
  const client = async (): Promise<void> => {
    for (let turn = 0; load.running; turn++) {
      const startedMs = performance.now();
      const answer = await ask(port, "/", { method: turn % 2 === 0 ? "GET" : "POST", agent });
      const release = String(answer.headers["x-tminus-release"]);
      const detail = answer.status === 200 ? "" : answer.body;
      answers.push({ startedMs, endedMs: performance.now(), status: answer.status, release, detail });
      await systemClock.sleep(4);
    }
  };
  const clients = Promise.all(Array.from({ length: connections }, client));
  return {
    answers,
    stop: async () => {
      load.running = false;
      await clients;
      agent.destroy();
      return answers;
    },
  };
}

export function failuresOf(answers: LoadAnswer[]): LoadAnswer[] {
  return answers.filter((answer) => answer.status !== 200);
}

/** Waits for a condition; rejects after 20 s. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + POLL_LIMIT_MS;
  while (!(await condition())) {
    if (performance.now() > limit) throw new Error("the condition did not come true in time");
    await systemClock.sleep(POLL_MS);
  }
}

export function routeTo(release: string, port: number, weightPercent: number, standby = false): EdgeRoute {
  return { instance: `${release}-1`, release, host: "127.0.0.1", port, weightPercent, standby };
}

export function documentOf(
  generation: number,
  routes: EdgeRoute[],
  rest: Partial<EdgeDocument> = {},
): EdgeDocument {
  return { generation, fence: 1, mode: "normal", holdMs: 1_000, pinToken: "pin-token", routes, ...rest };
}
