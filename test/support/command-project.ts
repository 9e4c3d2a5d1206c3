import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openTminus, shutDownProject } from "../../src/compose.ts";
import { spawnDetached, terminate, type ProcessIdentity } from "../../src/lib/process.ts";
import { uncheckedActor } from "../../src/model/actor.ts";
import type { Plan } from "../../src/model/plan.ts";
import type { Run } from "../../src/model/run.ts";
import type { Tminus } from "../../src/model/tminus.ts";
import { compileCache } from "./compile-cache.ts";
import { freshDatabase, type FreshDatabase } from "./database.ts";

/** Makes the release named live by writing a file, and notes that it did. */
const CHANGE = `
import { appendFileSync, writeFileSync } from "node:fs";
const [verb, release] = process.argv.slice(2);
appendFileSync("calls", verb + " " + release + "\\n");
writeFileSync("live", release);
`;
const STATUS = `
import { existsSync, readFileSync } from "node:fs";
if (!existsSync("live")) process.exit(3);
console.log(JSON.stringify({ release: readFileSync("live", "utf8") }));
`;
const ENVIRONMENT = (name: string, url: string, files: string) => `  ${name}:
    url: ${url}
    target:
      kind: command
      deploy: [node, change.mjs, deploy, "{release}"]
      rollback: [node, change.mjs, rollback, "{release}"]
      status: [node, status.mjs]
      url: ${url}
      files: [${files}]
`;
const STAGING_FIRST = `gates:
  - { id: staged, kind: staging.verified, environments: [production] }
`;
const RUNBOOK = (url: string, { stagingFirst }: CommandProjectOptions) => `version: 1
project: commands
environments:
${ENVIRONMENT("production", url, stagingFirst ? '"{release}.txt"' : "")}${
  stagingFirst ? ENVIRONMENT("staging", url, '"{release}.txt"') + STAGING_FIRST : ""
}rollback: { cure: { window: 200ms } }
stages:
  - id: go
    steps:
      - { id: deploy, kind: app.deploy }
      - { id: smoke, kind: smoke, with: { through: staged, checks: [{ id: works, path: /work }] } }
`;

export interface CommandProjectOptions {
  /** Releases are files named v2.txt, and must have succeeded on staging, which serves at the same address. */
  stagingFirst?: true;
}

/** A project whose only target is commands, a public address that serves what they made live, and a worker. */
export class CommandProject {
  readonly directory = mkdtempSync(join(tmpdir(), "tminus-commands-"));
  #state!: FreshDatabase;
  #server!: Server;
  #worker!: ProcessIdentity;
  #tminus!: Tminus;

  static async open(options: CommandProjectOptions = {}): Promise<CommandProject> {
    const project = new CommandProject();
    project.#state = await freshDatabase();
    project.#server = createServer((request, response) => {
      const release = project.live();
      response.statusCode =
        release === undefined || (release === "v3" && request.url === "/work") ? 500 : 200;
      response.setHeader("x-tminus-release", release ?? "none").end(release);
    });
    await new Promise<void>((done) => project.#server.listen(0, "127.0.0.1", done));
    const { port } = project.#server.address() as AddressInfo;
    project.write("change.mjs", CHANGE);
    project.write("status.mjs", STATUS);
    project.write("tminus.yaml", RUNBOOK(`http://127.0.0.1:${port}`, options));
    const { directory } = project;
    const environment = project.#environment();
    project.#tminus = await openTminus({ directory, environment, log: () => undefined });
    const main = resolve(import.meta.dirname, "../../src/cli/main.ts");
    const argv = [process.execPath, main, "worker", "--state", join(directory, ".tminus")];
    project.#worker = await spawnDetached(argv, {
      cwd: directory,
      env: environment,
      logFile: join(directory, "worker.log"),
    });
    return project;
  }

  /** Deploys a release to the end of its run. */
  async deploy(release: string, environment = "production"): Promise<Run> {
    return this.run(await this.plan(release, environment));
  }

  async plan(release: string, environment: string, purpose: Plan["purpose"] = "deploy"): Promise<Plan> {
    return this.#tminus.plan({
      environment,
      release,
      purpose,
      signal: AbortSignal.timeout(30_000),
      progress: () => undefined,
    });
  }

  /** To the end of the run. */
  async run(plan: Plan): Promise<Run> {
    const { id } = await this.#tminus.start(plan, uncheckedActor("mia"));
    for await (const event of this.#tminus.follow(id, 0, AbortSignal.timeout(60_000)))
      if (event.type === "run.ended") break;
    return this.#tminus.findRun(id);
  }

  live(): string | undefined {
    return this.#read("live");
  }

  /** What the commands were called for, in order: "deploy v1". */
  calls(): string[] {
    return this.#read("calls")?.trim().split("\n") ?? [];
  }

  workerLog(): string {
    return this.#read("worker.log") ?? "";
  }

  async close(): Promise<void> {
    await this.#tminus.close();
    await terminate(this.#worker, 5_000);
    await shutDownProject({ directory: this.directory, environment: this.#environment() });
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
    await this.#state.drop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #environment(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? "",
      HOME: this.directory,
      ...compileCache(),
      TMINUS_DATABASE_URL: this.#state.url,
      TMINUS_START_WORKER: "0",
    };
  }

  write(name: string, content: string): void {
    writeFileSync(join(this.directory, name), content);
  }

  #read(name: string): string | undefined {
    const file = join(this.directory, name);
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }
}
