import { cpSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { systemClock } from "../../../src/lib/clock.ts";
import { Secret } from "../../../src/lib/redact.ts";
import { uncheckedActor, type Actor } from "../../../src/model/actor.ts";
import type { Role } from "../../../src/model/role.ts";
import type { Tminus } from "../../../src/model/tminus.ts";
import { startLoad } from "../../../src/testing/load-generator.ts";
import { CommandLine, type StartedCommand } from "../../support/command-line.ts";
import { ReleaseProject } from "../../support/release-project.ts";
import { openBrowser } from "./browser.ts";
import { builtConsole } from "./built-console.ts";

export const PASSWORD = "correct horse battery";
/** Nothing that a page waits for takes longer, on a machine that others use too. */
const PATIENCE_MS = 60_000;

const MIGRATE = `{ id: migrate, title: Apply pending migrations, kind: db.migrate, with: { directory: "releases/{release}/migrations" } }`;
const FIRST = `  - id: release
    steps:
      - ${MIGRATE}
      - { id: deploy, kind: app.deploy }
      - { id: all, kind: app.shift, with: { percent: 100 } }
`;
const WATCHED = `  - id: before
    title: Before
    steps:
      - { id: sign, title: Second pair of eyes, kind: approve, with: { roles: [approver] } }
      - ${MIGRATE}
  - id: release
    title: Release
    risk: medium
    success: ["At most 3 % of the orders fail"]
    steps:
      - { id: deploy, title: Start the new release beside the old one, kind: app.deploy, at: T-0 }
      - { id: half, title: Half of the traffic, kind: app.shift, with: { percent: 50 } }
      - id: look
        title: Watch the canary
        kind: watch
        with: { duration: 60s, every: 500ms, burst: 1s, rules: ["errors: when error_rate > 3% -> rollback", "slow: when share(latency > 1s) > 5% -> hold"] }
      - { id: all, title: All traffic, kind: app.shift, with: { percent: 100 } }
`;
/** Deploys may begin at any time but in a freeze. */
const WINDOWS = `[{ id: always, effect: allow, zone: Europe/Berlin }]`;
const GATES = `  - { id: tests, title: Unit tests, kind: command, with: { run: [node, -e, "console.log('\\u001b[32m42 passed\\u001b[0m')"] } }
  - { id: types, title: Type check, kind: command, with: { run: [node, -e, "0"] } }
  - { id: health, title: What is live is healthy, kind: url.healthy }
  - { id: target, title: The target can take it, kind: target.answers }
`;

/**
 * A project whose release "good" is live in two environments, a real server with its console, two people and a browser: ann, the first user, who
 * may do everything, and ben, who may approve.
 */
export class ConsoleProject {
  readonly project: ReleaseProject;
  readonly browser: Browser;
  readonly url: string;
  readonly setUpUrl: string;
  #server: StartedCommand;
  #stopLoad: (() => Promise<unknown>) | undefined;

  private constructor(
    parts: Pick<ConsoleProject, "project" | "browser" | "url" | "setUpUrl">,
    server: StartedCommand,
  ) {
    this.project = parts.project;
    this.browser = parts.browser;
    this.url = parts.url;
    this.setUpUrl = parts.setUpUrl;
    this.#server = server;
  }

  static async open(): Promise<ConsoleProject> {
    await builtConsole();
    const project = await ReleaseProject.create({
      name: "shop",
      environments: ["production", "staging"],
      stages: FIRST,
      app: "failing.mjs",
      windows: WINDOWS,
      freezes: freezeAheadOf(systemClock.now()),
    });
    for (const release of ["good", "bad"])
      cpSync(
        join(project.directory, "releases", release === "good" ? "v1" : "v2"),
        join(project.directory, "releases", release),
        { recursive: true },
      );
    const tminus = await project.open();
    await project.startWorker();
    for (const environment of ["staging", "production"])
      await until(tminus, await start(tminus, environment, "good"), "run.ended");
    await tminus.close();
    project.use({ stages: WATCHED, gates: GATES });
    const server = startServer(project, 0);
    const [, url] = await server.until(/listening on (\S+)\n/);
    const [setUpUrl] = await server.until(/http\S+\/setup#\S+/);
    const browser = await openBrowser();
    return new ConsoleProject({ project, browser, url: url!, setUpUrl }, server);
  }

  /** Ends the server as a power cut does. */
  async killServer(): Promise<void> {
    this.#server.kill("SIGKILL");
    await this.#server.ended;
  }

  /** Starts it again, at the same address. */
  async startServer(): Promise<void> {
    this.#server = startServer(this.project, Number(new URL(this.url).port));
    await this.#server.until(/listening on/);
  }

  /** Orders of customers, until the project is closed. The fewer there are, the longer the bad release is watched. */
  startTraffic(requestsPerSecond = 120): void {
    const baseUrl = `http://127.0.0.1:${this.project.port}`;
    let client = 0;
    const next = () => ({
      name: "order",
      method: "GET",
      path: "/orders",
      headers: { cookie: `tminus-bucket=${(client++ * 257) % 10_000}` },
    });
    const load = startLoad({ baseUrl, requestsPerSecond, connections: 40, scenario: { next } });
    this.#stopLoad = () => load.stop();
  }

  /** Adds somebody, by ann. */
  async addUser(name: string, roles: Role[]): Promise<void> {
    const tminus = await this.project.open();
    const ann = await this.actor(tminus, "ann");
    await tminus.people.addUser(
      { name, emails: [`${name}@example.com`], roles },
      { password: new Secret(PASSWORD, name) },
      ann,
    );
    await tminus.close();
  }

  /** Starts the bad release and resolves when its run waits for the second pair of eyes. Returns the run's id. */
  async startWaiting(): Promise<string> {
    const tminus = await this.project.open();
    const run = await start(tminus, "production", "bad");
    await until(tminus, run, "step.waiting");
    await tminus.close();
    return run;
  }

  /** A browser of somebody's own. */
  async context(options: Parameters<Browser["newContext"]>[0] = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    return context;
  }

  /** Makes the first user, by the link that the server printed. */
  async setUp(page: Page): Promise<void> {
    await page.goto(this.setUpUrl);
    await page.getByLabel("Name").fill("ann");
    await page.getByLabel("Email").fill("ann@example.com");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Create the first user" }).click();
    await page.getByRole("heading", { name: "Now", level: 1 }).waitFor();
  }

  /** Who the state database says that somebody is, to do something past the console. */
  async actor(tminus: Tminus, name: string): Promise<Actor> {
    return tminus.identify({ by: "password", name, password: new Secret(PASSWORD, name) });
  }

  async signIn(page: Page, name: string): Promise<void> {
    await page.goto(this.url);
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Now", level: 1 }).waitFor();
  }

  async close(): Promise<void> {
    await this.#stopLoad?.();
    await this.browser.close();
    this.#server.kill("SIGTERM");
    await this.#server.ended.catch(() => undefined);
    await this.project.close();
  }
}

function startServer(project: ReleaseProject, port: number): StartedCommand {
  const line = new CommandLine(project.directory, project.environment({ TMINUS_START_WORKER: "0" }));
  return line.start("server", "--port", String(port), "--requests-per-minute", "100000");
}

/** Three days, a month from now. */
function freezeAheadOf(now: Date): string {
  const day = (days: number): string =>
    new Date(now.getTime() + days * 86_400_000).toISOString().slice(0, 10);
  return `[{ id: stocktaking, from: ${day(30)}, until: ${day(33)}, zone: Europe/Berlin, reason: the stock is counted }]`;
}

async function start(tminus: Tminus, environment: string, release: string): Promise<string> {
  const plan = await tminus.plan({
    environment,
    release,
    purpose: "deploy",
    signal: new AbortController().signal,
    progress: () => undefined,
  });
  return (await tminus.start(plan, uncheckedActor("mia"))).id;
}

async function until(tminus: Tminus, run: string, wanted: string): Promise<void> {
  for await (const { type } of tminus.follow(run, 0, AbortSignal.timeout(PATIENCE_MS)))
    if (type === wanted) return;
  throw new Error(`run ${run} did not come to ${wanted}`);
}
