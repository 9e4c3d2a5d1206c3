import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import pg from "pg";
import { openTminus, shutDownProject } from "../../src/compose.ts";
import { uncheckedActor } from "../../src/model/actor.ts";
import type { Tminus } from "../../src/model/tminus.ts";
import { identify, isAlive, sendSignal, spawnDetached, type ProcessIdentity } from "../../src/lib/process.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { freePort } from "../../src/providers/local/free-port.ts";
import { compileCache } from "./compile-cache.ts";
import { freshDatabase, type FreshDatabase } from "./database.ts";
import { processesNaming } from "./processes.ts";

export interface ReleaseProjectOptions {
  /** The project's name; "crash" when left out. */
  name?: string;
  /** The runbook's stages as YAML, indented by two. */
  stages: string;
  rollback?: string;
  /** The runbook's gates as a YAML list. */
  gates?: string;
  /** Names; "production" alone when left out. Each has a target of its own, all use one database. */
  environments?: readonly string[];
  /** Further channels as a YAML list, beside the webhook "hook". */
  channels?: string;
  /** The runbook's audit as YAML in one line. */
  audit?: string;
  protected?: boolean;
  /** Windows of every environment, and freezes, as YAML lists in brackets. */
  windows?: string;
  freezes?: string;
  /** What every environment keeps in an emergency, as YAML in braces. */
  emergency?: string;
  /** References of further variables of the application, beside EFFECTS. */
  variables?: Record<string, string>;
  /** Program of the releases; one that answers with the release's name when left out. */
  app?: string;
  /** Keeps the state in an embedded server below the project, not in a database of the tests' server. */
  embedded?: boolean;
}

/**
 * A small real project on this machine: releases behind the local target, a database, commands that leave a
 * line for each effect, and a webhook receiver. Workers are real processes that the test starts and kills.
 */
export class ReleaseProject {
  readonly directory = mkdtempSync(join(tmpdir(), "tminus-release-"));
  readonly effects = join(this.directory, "effects.log");
  readonly crashLog = join(this.directory, "crashes.log");
  /** Idempotency keys of what the webhook received. */
  readonly deliveries: string[] = [];
  /** Where each of these was sent to. */
  readonly paths: string[] = [];
  /** Undefined when the state is embedded. */
  #state: FreshDatabase | undefined;
  #app!: FreshDatabase;
  #receiver!: Server;
  #workers: ProcessIdentity[] = [];
  #options!: ReleaseProjectOptions;
  #ports: ReadonlyMap<string, number> = new Map();
  kills = 0;

  static async create(options: ReleaseProjectOptions): Promise<ReleaseProject> {
    const project = new ReleaseProject();
    if (options.embedded === true) chmodSync(project.directory, 0o711); // so that the server's own account can pass, and its data stays below
    else project.#state = await freshDatabase();
    project.#app = await freshDatabase();
    const ports = new Map<string, number>();
    for (const name of options.environments ?? ["production"])
      ports.set(name, await freePort("127.0.0.1", `${project.directory}/${name}`));
    project.#ports = ports;
    await project.#listen();
    project.#options = options;
    writeFileSync(project.effects, "");
    project.#write(options);
    return project;
  }

  /** Of the first environment. */
  get port(): number {
    return this.portOf([...this.#ports.keys()][0]!);
  }

  portOf(environment: string): number {
    return this.#ports.get(environment)!;
  }

  /** Connection string of the application's database. */
  get databaseUrl(): string {
    return this.#app.url;
  }

  /** Connection string of the state database. Throws when the state is embedded. */
  get stateUrl(): string {
    if (this.#state === undefined) throw new Error("the state is embedded");
    return this.#state.url;
  }

  environment(extra: Record<string, string> = {}): Record<string, string> {
    const { port } = this.#receiver.address() as AddressInfo;
    return {
      PATH: process.env.PATH ?? "",
      HOME: this.directory,
      ...compileCache(),
      ...(this.#state === undefined ? {} : { TMINUS_DATABASE_URL: this.#state.url }),
      APP_DATABASE_URL: this.#app.url,
      HOOK_URL: `http://127.0.0.1:${port}/hook`,
      EFFECTS: this.effects,
      ...extra,
    };
  }

  /** Without workers of its own: the test starts them. */
  open(): Promise<Tminus> {
    const environment = this.environment({ TMINUS_START_WORKER: "0" });
    return openTminus({ directory: this.directory, environment, log: () => undefined });
  }

  async start(tminus: Tminus, release: string): Promise<string> {
    const plan = await tminus.plan({
      environment: "production",
      release,
      purpose: "deploy",
      signal: new AbortController().signal,
      progress: () => undefined,
    });
    const run = await tminus.start(plan, uncheckedActor("mia"));
    return run.id;
  }

  async startWorker(
    extra: Record<string, string> = {},
    options: readonly string[] = [],
  ): Promise<ProcessIdentity> {
    const main = resolve(import.meta.dirname, "../../src/cli/main.ts");
    const argv = [process.execPath, main, "worker", "--state", join(this.directory, ".tminus"), ...options];
    const worker = await spawnDetached(argv, {
      cwd: this.directory,
      env: this.environment(extra),
      logFile: join(this.directory, "worker.log"),
    });
    this.#workers.push(worker);
    return worker;
  }

  /**
   * Keeps one worker alive that kills itself at every new crash point, until `isOver` and the last point, which
   * lies after the end of the run, has killed as well. Throws when that does not come.
   */
  async surviveCrashes(isOver: () => Promise<boolean>): Promise<void> {
    let worker: ProcessIdentity | undefined;
    while (!(await isOver())) {
      if (worker === undefined || !isAlive(worker)) {
        if (worker !== undefined) this.kills++;
        worker = await this.startWorker({ TMINUS_CRASH_LOG: this.crashLog });
      }
      await systemClock.sleep(20);
    }
    const giveUpMs = systemClock.monotonicMs() + 30_000;
    const diedAtEnd = (): boolean =>
      this.crashLines().some((line) => line.startsWith("run.after-end")) &&
      worker !== undefined &&
      !isAlive(worker);
    while (!diedAtEnd()) {
      if (systemClock.monotonicMs() > giveUpMs) throw new Error("the worker outlived the end of the run");
      await systemClock.sleep(20);
    }
    this.kills++;
  }

  effectLines(): string[] {
    return readFileSync(this.effects, "utf8").trim().split("\n").filter(Boolean);
  }

  crashLines(): string[] {
    return existsSync(this.crashLog)
      ? readFileSync(this.crashLog, "utf8").trim().split("\n").filter(Boolean)
      : [];
  }

  workerLog(): string {
    return readFileSync(join(this.directory, "worker.log"), "utf8");
  }

  /** Lets a blocking step go on. */
  letGo(stepId: string): void {
    writeFileSync(`${this.effects}.${stepId}`, "");
  }

  /** On the application's database, or on another one. */
  async query<Row extends pg.QueryResultRow>(sql: string, connectionString = this.#app.url): Promise<Row[]> {
    const client = new pg.Client({ connectionString });
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) sendSignal(worker, "SIGKILL");
    await shutDownProject({ directory: this.directory, environment: this.environment() });
    // Workers that commands started, when they are left because something is wrong.
    for (const { pid } of processesNaming(this.directory)) {
      const left = identify(pid);
      if (left !== undefined) sendSignal(left, "SIGKILL");
    }
    this.#receiver.closeAllConnections();
    await new Promise((done) => this.#receiver.close(done));
    await this.#state?.drop();
    await this.#app.drop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Replaces the runbook's stages; runs under way keep their plan. */
  useStages(stages: string): void {
    this.use({ stages });
  }

  /** Replaces parts of the runbook; runs under way keep their plan. */
  use(change: Partial<Omit<ReleaseProjectOptions, "embedded" | "environments">>): void {
    this.#write({ ...this.#options, ...change });
  }

  async #listen(): Promise<void> {
    this.#receiver = createServer((request, response) => {
      request.resume().on("end", () => {
        this.deliveries.push(String(request.headers["idempotency-key"]));
        this.paths.push(request.url ?? "");
        response.end("ok");
      });
    });
    await new Promise<void>((done) => this.#receiver.listen(0, "127.0.0.1", done));
  }

  #write(options: ReleaseProjectOptions): void {
    const {
      stages,
      rollback = "{ cure: { window: 200ms, minRequests: 0 } }",
      gates,
      channels = "",
      audit,
    } = options;
    const environments = [...this.#ports].map(([name, port]) => environmentText(name, port, options));
    writeFileSync(
      join(this.directory, "tminus.yaml"),
      `version: 1
project: ${options.name ?? "crash"}
environments:
${environments.join("")}notify:
  - { id: hook, kind: webhook, url: "env:HOOK_URL" }
${channels}rollback: ${rollback}
${audit === undefined ? "" : `audit: ${audit}\n`}${options.freezes === undefined ? "" : `freezes: ${options.freezes}\n`}${gates === undefined ? "" : `gates:\n${gates}`}stages:
${stages}`,
    );
    for (const release of ["v1", "v2"]) {
      const folder = join(this.directory, "releases", release, "migrations");
      mkdirSync(folder, { recursive: true });
      const names =
        release === "v1" ? ["20260101000000_first"] : ["20260101000000_first", "20260102000000_second"];
      for (const name of names) writeFileSync(join(folder, `${name}.sql`), migration(name));
    }
  }
}

function environmentText(name: string, port: number, options: ReleaseProjectOptions): string {
  const { app = "released.mjs" } = options;
  const program = resolve(import.meta.dirname, "../fixtures/apps", app);
  const target = `{ kind: local, port: ${port}, directory: "releases/{release}", command: [node, ${JSON.stringify(program)}], drainDeadline: 1s }`;
  const variables = { EFFECTS: "env:EFFECTS", ...options.variables };
  return `  ${name}:
    url: http://127.0.0.1:${port}
    protected: ${options.protected === true}
    database: { url: "env:APP_DATABASE_URL" }
    target: ${target}
    variables: ${JSON.stringify(variables)}
${options.windows === undefined ? "" : `    windows: ${options.windows}\n`}${options.emergency === undefined ? "" : `    emergency: ${options.emergency}\n`}`;
}

/** Leaves a row each time that it runs, so that a repeated run shows. */
function migration(name: string): string {
  const table = `done_${name.split("_")[1]}`;
  return `-- tminus: up
create table if not exists ${table} (at timestamptz not null default now());
insert into ${table} default values;
-- tminus: down
drop table ${table};
`;
}
