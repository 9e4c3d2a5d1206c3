import { chmodSync, cpSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Document } from "yaml";
import { openTminus, shutDownProject } from "../../../src/compose.ts";
import { run, spawnDetached, terminate } from "../../../src/lib/process.ts";
import { uncheckedActor } from "../../../src/model/actor.ts";
import type { GateResult, Plan } from "../../../src/model/plan.ts";
import { backUp } from "../../../src/postgres/backup/back-up.ts";
import { freePort } from "../../../src/providers/local/free-port.ts";
import { AuditRegistry } from "../../support/audit-registry.ts";
import { backupLimits, runSql, testScratch } from "../../support/backup.ts";
import { compileCache } from "../../support/compile-cache.ts";
import { freshDatabase } from "../../support/database.ts";
import { TOKEN as GITHUB_TOKEN } from "../../support/github-emulator.ts";
import { createGitProject, type GitProject } from "../../support/git-project.ts";
import {
  openSentryEmulator,
  TOKEN as SENTRY_TOKEN,
  type SentryEmulator,
} from "../../support/sentry-emulator.ts";
import { checklistRunbook } from "./checklist-runbook.ts";
import { openFront, type Front } from "./front.ts";
import { openReviews, type Reviewed, type Reviews } from "./reviews.ts";
import { preparingStages } from "./preparing-stages.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const MAIN = join(ROOT, "src/cli/main.ts");
/** Whom row security is for. Roles belong to the whole server, where another world may have made them. */
const ROLES = ["shop_visitor", "shop_member"]
  .map(
    (role) =>
      `do $$ begin create role ${role}; exception when duplicate_object or unique_violation then null; end $$;`,
  )
  .join("\n");
const IGNORED = ["node_modules", "dist", ".tminus", ".npm", "authority.pem", "look.yaml", "prepare.yaml"];

export interface ShopWorldOptions {
  /** Name of the file in examples/checklists. */
  checklist: string;
  /** Whether v1 serves production, or has only left its schema there. */
  production: "serves" | "schema";
  /** Whether the rollback of v2 is rehearsed on staging. */
  rehearsed?: boolean;
  /** Signs every commit with a key that git trusts. Such commits cannot be brought to GitHub's emulator. */
  signed?: boolean;
}

/**
 * examples/shop as the repository of a team: with a remote, reviews, databases, monitoring, v1 on production and v2 on
 * staging. Its runbook is one of examples/checklists. In the beginning every gate passes.
 */
export class ShopWorld {
  readonly #world: Parts;
  readonly #runbook: Document;
  /** The commit with which everything passes. */
  #good = "";

  private constructor(world: Parts) {
    this.#world = world;
    this.#runbook = checklistRunbook(world.options.checklist, {
      ports: world.ports,
      github: world.reviews?.url ?? "",
      sentry: world.sentry.url,
      shop: world.front.shop,
      cdn: world.front.cdn,
    });
  }

  static async open(options: ShopWorldOptions): Promise<ShopWorld> {
    const world = new ShopWorld(await openParts(options));
    try {
      await world.#commitShop();
      await world.#deploy();
      await world.sql("staging", ROLES);
      await world.#backUp();
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  get git(): GitProject {
    return this.#world.git;
  }
  get registry(): AuditRegistry {
    return this.#world.registry;
  }
  get sentry(): SentryEmulator {
    return this.#world.sentry;
  }
  get front(): Front {
    return this.#world.front;
  }
  /** Of the environments: what the public asks. */
  get ports(): Parts["ports"] {
    return this.#world.ports;
  }
  /** Connection strings. */
  get databases(): Parts["databases"] {
    return this.#world.databases;
  }

  /** Folder of the proven backups of production. */
  get #backups(): string {
    return join(this.git.directory, ".tminus/backups/production");
  }

  /** Makes a plan of v2 for production, with all gates of the checklist or with those chosen. */
  async plan(chosen: (gate: ChecklistGate) => boolean = () => true): Promise<Plan> {
    const runbook = this.#runbook.clone() as Document;
    const { gates } = runbook.toJS() as { gates: ChecklistGate[] };
    runbook.set("gates", gates.filter(chosen));
    await using project = await this.#open("look.yaml", runbook);
    return await project.plan("production", "v2");
  }

  /** What the gates say. */
  async look(chosen: (gate: ChecklistGate) => boolean): Promise<GateResult[]> {
    return (await this.plan(chosen)).gates;
  }

  read(path: string): string {
    return readFileSync(join(this.git.directory, path), "utf8");
  }

  /** Commits files on the branch that is checked out, pushes them, and has the commit checked and reviewed. */
  async commit(files: Readonly<Record<string, string>>, reviewed?: Reviewed): Promise<void> {
    for (const [path, content] of Object.entries(files)) this.git.write(path, content);
    await this.git.git(["add", "--force", "--", ...Object.keys(files)]);
    await this.#commit("a change");
    await this.git.git(["push", "-q", "origin", "HEAD"]);
    await this.#world.reviews?.review(reviewed);
  }

  /** Commits nothing, and pushes it nowhere, unsigned; it is checked and reviewed all the same. */
  async commitHere(): Promise<void> {
    await this.git.git(["commit", "-q", "--allow-empty", "-m", "only here"]);
    await this.#world.reviews?.review();
  }

  /** Runs SQL in an environment's database. */
  async sql(environment: "staging" | "production", script: string): Promise<void> {
    await runSql(this.databases[environment], script);
  }

  /** Whether an environment's database lets anybody in; who is in it is thrown out. */
  async openDatabase(environment: "staging" | "production", isOpen: boolean): Promise<void> {
    const name = new URL(this.databases[environment]).pathname.slice(1);
    await runSql(
      this.databases.state,
      `alter database "${name}" allow_connections ${isOpen};
       select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
    );
  }

  /** Takes the backups of production away, or brings them back. */
  moveBackups(where: "away" | "back"): void {
    const folder = this.#backups;
    if (where === "away") renameSync(folder, `${folder}-away`);
    else renameSync(`${folder}-away`, folder);
  }

  /** Ends what serves staging and production. */
  async stopServing(): Promise<void> {
    const { directory } = this.git;
    await shutDownProject({ directory, environment: environmentOf(this.#world) });
  }

  /** Takes back whatever was done to the repository and its remote. */
  async restore(): Promise<void> {
    const { git } = this.git;
    await git(["switch", "-q", "--discard-changes", "staging"]);
    await git(["reset", "-q", "--hard", this.#good]);
    await git(["clean", "-q", "-d", "--force"]);
    await git(["push", "-q", "--force", "origin", "staging", "main"]);
    await this.#world.reviews?.moveBack(this.#good);
  }

  /** Everything that was started on this machine. */
  async close(): Promise<void> {
    await this.#world.closing.disposeAsync();
  }

  /** The shop and what a repository of it has besides: v1 on main, what is to be released on staging. */
  async #commitShop(): Promise<void> {
    const { git, front, reviews } = this.#world;
    cpSync(join(ROOT, "examples/shop"), git.directory, { recursive: true });
    cpSync(join(ROOT, "test/fixtures/shop-repository"), git.directory, { recursive: true });
    git.write("tminus.yaml", this.#runbook.toString());
    git.write("authority.pem", front.authority);
    git.write(".gitignore", `${IGNORED.join("\n")}\n`);
    git.write(
      "credentials.yaml",
      `- name: DATABASE_URL\n  rotated: ${new Date().toISOString().slice(0, 10)}\n`,
    );
    git.write("../bin/tminus", `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
    chmodSync(join(git.root, "bin/tminus"), 0o755);
    symlinkSync(join(ROOT, "node_modules"), join(git.directory, "node_modules"));
    await git.git(["add", "--all"]);
    await this.#commit("v1");
    await git.git(["push", "-q", "origin", "main"]);
    await reviews?.push("main");
    await git.git(["switch", "-q", "-c", "staging"]);
    git.write("CHANGELOG.md", this.read("CHANGELOG.md").replace("## v1", "## v2\n\n- Badges.\n\n## v1"));
    await git.git(["add", "--update"]);
    await this.#commit("v2");
    await git.git(["push", "-q", "-u", "origin", "staging"]);
    this.#good = await git.git(["rev-parse", "HEAD"]);
    await reviews?.push("staging");
    await reviews?.review();
    const built = await run(["npm", "run", "build"], {
      cwd: git.directory,
      env: { ...environmentOf(this.#world), TMINUS_RELEASE: "v2" },
      timeoutMs: 30_000,
    });
    if (built.exitCode !== 0) throw new Error(built.output);
  }

  async #commit(message: string): Promise<void> {
    const sign = this.#world.options.signed === true ? ["--gpg-sign"] : [];
    await this.git.git(["commit", "-q", ...sign, "-m", message]);
  }

  /** By real runs. */
  async #deploy(): Promise<void> {
    const { git, options } = this.#world;
    const runbook = this.#runbook.clone() as Document;
    runbook.delete("gates");
    runbook.setIn(["rollback", "cure"], { window: "200ms", minRequests: 0 });
    runbook.set("stages", preparingStages(options));
    await using project = await this.#open("prepare.yaml", runbook);
    const argv = [process.execPath, MAIN, "worker", "--state", join(git.directory, ".tminus")];
    const logFile = join(git.root, "worker.log");
    const env = environmentOf(this.#world);
    const worker = await spawnDetached(argv, { cwd: git.directory, env, logFile });
    try {
      await project.deploy("production", "v1");
      if (options.rehearsed === true) await project.deploy("staging", "v1");
      await project.deploy("staging", "v2");
    } catch (error) {
      throw new Error(readFileSync(logFile, "utf8"), { cause: error });
    } finally {
      await terminate(worker, 5_000);
    }
  }

  /** Restored and compared, in the environment's own place. */
  async #backUp(): Promise<void> {
    await backUp({
      ...backupLimits,
      connectionString: this.databases.production,
      directory: this.#backups,
      key: null,
      label: "production",
      exclude: [],
      scratch: testScratch,
    });
  }

  async #open(configFile: string, runbook: Document): Promise<OpenProject> {
    const { directory } = this.git;
    writeFileSync(join(directory, configFile), runbook.toString());
    const environment = environmentOf(this.#world);
    const tminus = await openTminus({ directory, configFile, environment, log: () => undefined });
    const plan: OpenProject["plan"] = (name, release) =>
      tminus.plan({
        environment: name,
        release,
        purpose: "deploy",
        signal: AbortSignal.timeout(50_000),
        progress: () => undefined,
      });
    return {
      plan,
      async deploy(name, release) {
        const { id } = await tminus.start(await plan(name, release), uncheckedActor("mia"));
        for await (const event of tminus.follow(id, 0, AbortSignal.timeout(50_000)))
          if (event.type === "run.ended") break;
        const { outcome } = await tminus.findRun(id);
        if (outcome !== "succeeded") throw new Error(`${release} on ${name} ended ${outcome}`);
      },
      [Symbol.asyncDispose]: () => tminus.close(),
    };
  }
}

interface ChecklistGate {
  id: string;
  kind: string;
}

interface OpenProject extends AsyncDisposable {
  plan(environment: string, release: string): Promise<Plan>;
  /** To the end of its run. Throws unless it succeeded. */
  deploy(environment: string, release: string): Promise<void>;
}

interface Parts {
  options: ShopWorldOptions;
  git: GitProject;
  reviews: Reviews | undefined;
  registry: AuditRegistry;
  sentry: SentryEmulator;
  front: Front;
  databases: Record<"state" | "staging" | "production", string>;
  ports: Record<"staging" | "production", number>;
  closing: AsyncDisposableStack;
}

async function openParts(options: ShopWorldOptions): Promise<Parts> {
  await using opening = new AsyncDisposableStack();
  const database = async (): Promise<string> =>
    opening.adopt(await freshDatabase(), (made) => made.drop()).url;
  const databases = { state: await database(), staging: await database(), production: await database() };
  const git = opening.adopt(await createGitProject(), (made) => made.remove());
  if (options.signed === true) await signCommits(git);
  const reviews = options.signed === true ? undefined : opening.use(await openReviews(git));
  const registry = opening.adopt(await AuditRegistry.start(), (made) => made.stop());
  const sentry = opening.adopt(await openSentryEmulator(), (made) => made.close());
  for (const release of ["v1", "v2"]) sentry.addRelease(`shop@${release}`);
  const front = opening.use(await openFront());
  const ports = {
    staging: await freePort("127.0.0.1", `${git.directory}/staging`),
    production: await freePort("127.0.0.1", `${git.directory}/production`),
  };
  const parts = { options, git, reviews, registry, sentry, front, databases, ports };
  opening.defer(() =>
    shutDownProject({
      directory: git.directory,
      environment: environmentOf(parts),
    }),
  );
  return { ...parts, closing: opening.move() };
}

/** What every program and command of the world is given. */
function environmentOf({ git, registry, databases, ports }: Omit<Parts, "closing">): Record<string, string> {
  return {
    ...git.environment,
    ...compileCache(),
    PATH: [join(git.root, "bin"), join(ROOT, "node_modules/.bin"), process.env.PATH ?? ""].join(":"),
    TMINUS_DATABASE_URL: databases.state,
    TMINUS_SCRATCH_URL: process.env.TMINUS_TEST_POSTGRES ?? "",
    TMINUS_START_WORKER: "0",
    SHOP_DATABASE_URL: databases.production,
    STAGING_DATABASE_URL: databases.staging,
    STAGING_URL: `http://127.0.0.1:${ports.staging}`,
    GITHUB_TOKEN,
    SENTRY_TOKEN,
    npm_config_registry: registry.url,
    npm_config_cache: join(git.directory, ".npm"),
    npm_config_userconfig: join(git.directory, ".npm/none"),
    npm_config_update_notifier: "false",
  };
}

/** From now on, with a key of ssh. */
async function signCommits(git: GitProject): Promise<void> {
  const key = join(git.root, "ann");
  const argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ann", "-f", key];
  const made = await run(argv, { env: git.environment, timeoutMs: 30_000 });
  if (made.exitCode !== 0) throw new Error(made.startError ?? made.output);
  writeFileSync(join(git.root, "allowed"), `t@example.com ${readFileSync(`${key}.pub`, "utf8")}`);
  const settings = {
    "gpg.format": "ssh",
    "user.signingkey": `${key}.pub`,
    "gpg.ssh.allowedSignersFile": join(git.root, "allowed"),
  };
  for (const [name, value] of Object.entries(settings)) await git.git(["config", name, value]);
}
