import { access, constants } from "node:fs/promises";
import { resolve } from "node:path";
import { TminusError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { crashPoint } from "../../lib/crash-point.ts";
import { parseDuration } from "../../lib/duration.ts";
import type {
  DeployTarget,
  Fence,
  StagedRelease,
  StageOptions,
  TargetCapabilities,
  TrafficState,
} from "../../model/ports.ts";
import type { Observed, Verdict } from "../../model/verdict.ts";
import { fingerprintPaths } from "../local/fingerprint.ts";
import type { CommandEnd, CommandRunner } from "./command-runner.ts";
import { commandEnvironment } from "./environment.ts";
import { programProblem } from "./find-program.ts";
import { askStatus } from "./live-status.ts";
import type { StageRecord, TargetRecord } from "./record.ts";
import { isReleaseName } from "./release-name.ts";
import type { CommandTargetConfig } from "./schema.ts";

/** How often another command may come first before it is given up. */
const ROUNDS = 10;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

interface CommandTargetParts {
  environment: string;
  config: CommandTargetConfig;
  projectDirectory: string;
  clock: Clock;
  runner: CommandRunner;
  redact: (text: string) => string;
  /** The environment's variables, for what is called without them. */
  variables: () => Record<string, string>;
}

/** A target behind the project's own commands. It takes all traffic at once; what is live, `status` says. */
export class CommandTarget implements DeployTarget {
  readonly kind: string = "command";
  readonly capabilities: TargetCapabilities = { traffic: "none", warmRollback: false };
  readonly #parts: CommandTargetParts;
  readonly #runner: CommandRunner;

  constructor(parts: CommandTargetParts) {
    this.#parts = parts;
    this.#runner = parts.runner;
  }

  async precheck(release: string): Promise<Verdict> {
    if (!isReleaseName(release))
      return { verdict: "fail", reason: `"${release}" cannot be the name of a release` };
    const problems = [...(await this.#programProblems(release)), ...(await this.#fileProblems(release))];
    if (problems.length > 0) return { verdict: "fail", reason: problems.join("; ") };
    const live = await this.#observe(async () => this.#live(await this.#runner.resting()));
    if (live.state === "unknown") return { verdict: "unknown", reason: live.reason };
    return { verdict: "pass", reason: `the commands are there, live is ${nameOf(live) ?? "nothing"}` };
  }

  async fingerprint(release: string): Promise<string> {
    // The commands are the environment's and not the release's. Without files nothing but the name is known of it.
    const files = this.#files(release);
    return files.length === 0 ? release : fingerprintPaths(files);
  }

  async traffic(): Promise<Observed<TrafficState>> {
    return this.#observe(async () => {
      const record = await this.#runner.resting();
      const live = await this.#live(record);
      if (live.state !== "present") return live;
      return { state: "present", value: trafficOf(record, live.value) };
    });
  }

  async findStaged(key: string): Promise<Observed<StagedRelease>> {
    return this.#observe(async () => {
      const record = await this.#runner.resting();
      const stage = record.stages[key];
      if (stage === undefined) return { state: "absent" };
      const live = await this.#live(record);
      if (live.state === "unknown") return live;
      if (nameOf(live) !== stage.release) return { state: "absent" };
      if (isAdoptable(stage, live)) return { state: "present", value: this.#staged(stage.release) };
      const how = stage.state === "failed" ? "failed" : "was interrupted, and it was live before already";
      return { state: "unknown", reason: `${stage.release} is live, but its deploy ${how}` };
    });
  }

  async findRelease(release: string): Promise<Observed<StagedRelease>> {
    return this.#observe(async () => {
      const live = await this.#live(await this.#runner.resting());
      if (live.state === "unknown") return live;
      if (nameOf(live) !== release) return { state: "absent" };
      if (this.#parts.config.url !== undefined) return { state: "present", value: this.#staged(release) };
      const reason = "the target has no url at which a release could be asked; use through: public";
      return { state: "unknown", reason };
    });
  }

  async stage(key: string, release: string, options: StageOptions): Promise<StagedRelease> {
    assertReleaseName(release);
    let firstGeneration: number | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      const { record, waitedFor } = await this.#runner.admit(options.fence, options.signal, options);
      firstGeneration ??= record.generation;
      const ranMeanwhile = waitedFor?.key === key || record.generation !== firstGeneration;
      const known = record.stages[key];
      if (known !== undefined && known.release !== release)
        throw new TminusError("TARGET_CONFLICT", `this step deployed ${known.release}, not ${release}`);
      if (known?.state === "failed" && ranMeanwhile)
        throw new TminusError("TARGET_UNHEALTHY", `the deploy of ${release} that was under way failed`);
      const live = this.#known(await this.#live(record, options), release);
      if (known !== undefined && isAdoptable(known, live)) {
        options.progress(`found ${release} deployed already`);
        await this.#runner.change(options.fence, options.signal, withoutExpectation);
        return this.#staged(release);
      }
      const ended = await this.#runner.run({
        ...this.#command("deploy", release, record, options, key),
        stage: { key, before: nameOf(live) },
      });
      if (ended === undefined) continue;
      await this.#confirm("deploy", release, ended, options);
      crashPoint("target.after-healthy", key);
      return this.#staged(release);
    }
    throw new TminusError("TARGET_CONFLICT", `other commands kept ${release} from being deployed`);
  }

  async unstage(key: string, { fence, signal, progress }: StageOptions): Promise<void> {
    const { record } = await this.#runner.admit(fence, signal, { endKey: key, progress });
    if (record.stages[key] === undefined) return;
    await this.#runner.change(fence, signal, (current) => {
      const others = Object.entries(current.stages).filter(([name]) => name !== key);
      return { ...current, stages: Object.fromEntries(others) };
    });
  }

  async shift(routes: TrafficState["routes"], fence: Fence, signal: AbortSignal): Promise<TrafficState> {
    const serving = routes.filter(({ percent }) => percent > 0);
    const [only] = serving;
    if (only === undefined || serving.length > 1 || only.percent !== 100) {
      throw new TminusError("TARGET_CONFLICT", "this target cannot split traffic between releases", {
        hint: "Give one release 100 percent, or leave the app.shift step out.",
      });
    }
    const { release } = only;
    assertReleaseName(release);
    const options = { fence, signal, variables: this.#parts.variables(), progress: () => undefined };
    for (let round = 0; round < ROUNDS; round++) {
      const { record } = await this.#runner.admit(fence, signal);
      const live = this.#known(await this.#live(record, options), release);
      if (nameOf(live) === release) return trafficOf(record, release);
      crashPoint("target.before-shift", release);
      const ended = await this.#runner.run(this.#command("rollback", release, record, options));
      if (ended === undefined) continue;
      const confirmed = await this.#confirm("rollback", release, ended, options);
      crashPoint("target.after-shift", release);
      return trafficOf(confirmed, release);
    }
    throw new TminusError("TARGET_CONFLICT", `other commands kept ${release} from being made live`);
  }

  async retire(keep: readonly string[], options: StageOptions): Promise<string[]> {
    const { record } = await this.#runner.admit(options.fence, options.signal, options);
    if (this.#parts.config.retire === undefined) return [];
    const live = nameOf(this.#known(await this.#live(record, options), "anything"));
    const leaving = record.releases.filter((release) => release !== live && !keep.includes(release));
    for (const release of leaving) {
      crashPoint("target.before-retire", release);
      const ended = await this.#runner.run(this.#command("retire", release, record, options));
      if (ended === undefined)
        throw new TminusError("TARGET_CONFLICT", `another command came before the retire of ${release}`);
      if (ended.exitCode !== 0) throw failureOf("retire", release, ended, this.#parts.config.timeout);
      crashPoint("target.after-retire", release);
    }
    return leaving;
  }

  /** Waits until status names the release; what the command did is then settled. Errors: TARGET_*. */
  async #confirm(
    verb: "deploy" | "rollback",
    release: string,
    ended: CommandEnd,
    options: StageOptions,
  ): Promise<TargetRecord> {
    const { timeout, statusTimeout } = this.#parts.config;
    if (ended.exitCode !== 0 || ended.timedOut) throw failureOf(verb, release, ended, timeout);
    const live = this.#known(await this.#askUntil(release, options), release);
    const record = await this.#runner.change(options.fence, options.signal, withoutExpectation);
    if (nameOf(live) === release) return record;
    const reason = `the ${verb} of ${release} ended well, but ${statusTimeout} later ${nameOf(live) ?? "nothing"} is live`;
    throw new TminusError("TARGET_UNHEALTHY", [reason, ...ended.output].join("\n"), {
      details: { release, live: nameOf(live) },
    });
  }

  /** What is live, once the command before has had the time that it may need to show. */
  #live(record: TargetRecord, options?: StageOptions): Promise<Observed<string>> {
    return record.expected === undefined ? this.#ask(options) : this.#askUntil(record.expected, options);
  }

  /** Asks until the release is live, or until the last answer after statusTimeout. */
  async #askUntil(release: string, options: StageOptions | undefined): Promise<Observed<string>> {
    const { clock, config } = this.#parts;
    const giveUpMs = clock.monotonicMs() + parseDuration(config.statusTimeout)!;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const live = await this.#ask(options);
      if (nameOf(live) === release || clock.monotonicMs() + pauseMs > giveUpMs) return live;
      await clock.sleep(pauseMs, options?.signal);
    }
  }

  #ask(options: StageOptions | undefined): Promise<Observed<string>> {
    const { config, environment, projectDirectory, redact, variables } = this.#parts;
    return askStatus({
      argv: config.status,
      cwd: projectDirectory,
      env: commandEnvironment(options?.variables ?? variables(), { environment }),
      timeoutMs: parseDuration(config.statusTimeout)!,
      signal: options?.signal,
      folder: this.#runner.folder,
      redact,
    });
  }

  /** Nothing is changed while nobody can tell what is live. */
  #known(live: Observed<string>, release: string): Exclude<Observed<string>, { state: "unknown" }> {
    if (live.state !== "unknown") return live;
    throw new TminusError("TARGET_UNREACHABLE", `it is not known whether ${release} is live: ${live.reason}`);
  }

  #command(
    verb: "deploy" | "rollback" | "retire",
    release: string,
    record: TargetRecord,
    options: StageOptions,
    key?: string,
  ) {
    const { config, environment } = this.#parts;
    const { variables, fence, signal, progress } = options;
    const facts = { environment, release, fence: fence.token, ...(key === undefined ? {} : { key }) };
    const argv = (verb === "deploy" ? undefined : config[verb]) ?? config.deploy;
    return {
      verb,
      release,
      argv: filled(argv, release),
      env: commandEnvironment(variables, facts),
      limitMs: parseDuration(config.timeout)!,
      fence,
      signal,
      progress,
      basis: record.generation,
    };
  }

  async #observe<T>(look: () => Promise<Observed<T>>): Promise<Observed<T>> {
    try {
      return await look();
    } catch (error) {
      // Whatever went wrong while looking, it is not known then.
      const reason = error instanceof Error ? error.message : String(error);
      return { state: "unknown", reason: this.#parts.redact(reason) };
    }
  }

  async #programProblems(release: string): Promise<string[]> {
    const { config, environment, projectDirectory, variables } = this.#parts;
    const { PATH = "" } = commandEnvironment(variables(), { environment });
    const commands = [config.deploy, config.status, config.rollback, config.retire];
    const programs = new Set(
      commands.flatMap((argv) => (argv === undefined ? [] : filled(argv, release).slice(0, 1))),
    );
    const problems: string[] = [];
    for (const program of programs) {
      const problem = await programProblem(program, projectDirectory, PATH);
      if (problem !== undefined) problems.push(problem);
    }
    return problems;
  }

  async #fileProblems(release: string): Promise<string[]> {
    const problems: string[] = [];
    for (const path of this.#files(release)) {
      await access(path, constants.R_OK).catch(() => problems.push(`${path} cannot be read`));
    }
    return problems;
  }

  #files(release: string): string[] {
    const { config, projectDirectory } = this.#parts;
    return filled(config.files, release).map((path) => resolve(projectDirectory, path));
  }

  #staged(release: string): StagedRelease {
    return { release, reference: release, url: this.#parts.config.url ?? "", headers: {} };
  }
}

/** Whether what is live is what the command of this stage brought about. */
function isAdoptable({ state, release, before }: StageRecord, live: Observed<string>): boolean {
  if (nameOf(live) !== release) return false;
  return state === "deployed" || (state === "interrupted" && before !== release);
}

function failureOf(verb: string, release: string, ended: CommandEnd, timeout: string): TminusError {
  const { exitCode, timedOut, output } = ended;
  const how = timedOut
    ? `took longer than ${timeout} and was stopped`
    : exitCode === undefined
      ? "was killed, and it is not known what it has done"
      : `ended with exit code ${exitCode}`;
  const isKnown = timedOut || exitCode !== undefined;
  const text = [`the ${verb} of ${release} ${how}`, ...output].join("\n");
  return new TminusError(isKnown ? "TARGET_UNHEALTHY" : "TARGET_UNREACHABLE", text, {
    details: { verb, release, ...(exitCode === undefined ? {} : { exitCode }) },
  });
}

function withoutExpectation(record: TargetRecord): TargetRecord {
  const { expected: _, ...rest } = record;
  return rest;
}

function trafficOf({ generation }: TargetRecord, release: string): TrafficState {
  return { generation, routes: [{ release, percent: 100 }] };
}

/** Null for nothing, and for what is not known. */
function nameOf(live: Observed<string>): string | null {
  return live.state === "present" ? live.value : null;
}

function filled(items: readonly string[], release: string): string[] {
  return items.map((item) => item.replaceAll("{release}", () => release));
}

function assertReleaseName(release: string): void {
  if (!isReleaseName(release))
    throw new TminusError("TARGET_CONFLICT", `"${release}" cannot be the name of a release`);
}
