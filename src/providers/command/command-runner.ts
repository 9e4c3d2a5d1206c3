import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { hasCode, TminusError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { crashPoint } from "../../lib/crash-point.ts";
import { formatDuration } from "../../lib/duration.ts";
import { randomText } from "../../lib/id.ts";
import { isAlive, type ProcessIdentity } from "../../lib/process.ts";
import type { Fence } from "../../model/ports.ts";
import {
  endCommand,
  exitCodeOf,
  lastOutput,
  letBegin,
  prepareCommand,
  removeOtherFiles,
  type CommandFiles,
} from "./command-process.ts";
import { withFolderLock } from "./folder-lock.ts";
import {
  readRecord,
  writeRecord,
  type RunningCommand,
  type StageRecord,
  type TargetRecord,
} from "./record.ts";
import { settle } from "./settle.ts";

const POLL_MS = 50;
const PROGRESS_EVERY_MS = 500;
const OUTPUT_LINES = 15;
/** How long after its limit a command is still expected to be ended by whoever started it. */
const OVERDUE_MS = 15_000;

export interface Command {
  verb: RunningCommand["verb"];
  release: string;
  argv: readonly string[];
  env: Record<string, string>;
  limitMs: number;
  fence: Fence;
  signal: AbortSignal;
  progress: (text: string) => void;
  /** Generation of the record by which it was decided to run this. */
  basis: number;
  /** For a deploy: the step's key, and what is live before. */
  stage?: { key: string; before: string | null };
}

export interface CommandEnd {
  /** Undefined when nobody saw its end: it was killed. */
  exitCode: number | undefined;
  timedOut: boolean;
  /** The last lines, redacted. */
  output: string[];
}

type LivingCommand = RunningCommand & { process: ProcessIdentity };

interface RunnerOptions {
  stateDirectory: string;
  environment: string;
  projectDirectory: string;
  clock: Clock;
  redact: (text: string) => string;
}

/**
 * Runs one changing command of an environment at a time, remembers it durably before it begins, and finds it
 * again after a crash. Who comes with an older fencing token is refused.
 */
export class CommandRunner {
  /** Holds the files of the commands. */
  readonly folder: string;
  readonly #file: string;
  readonly #locks: string;
  readonly #options: RunnerOptions;

  constructor(options: RunnerOptions) {
    const root = resolve(options.stateDirectory, "command", options.environment);
    this.#options = options;
    this.#file = join(root, "record.json");
    this.#locks = join(root, "locks");
    this.folder = join(root, "commands");
    for (const folder of [this.#locks, this.folder]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /**
   * Reads only. The record when no command runs; one that still does, also one whose starter died, is waited
   * for. Throws TARGET_UNREACHABLE when it does not end in its time.
   */
  async resting(): Promise<TargetRecord> {
    for (;;) {
      const { running } = await readRecord(this.#file);
      // Who starts a command holds the lock until its process is in the record.
      const record =
        running !== undefined && running.process === undefined
          ? await this.#locked(undefined, () => readRecord(this.#file))
          : await readRecord(this.#file);
      if (!isRunning(record.running)) {
        const settled = await this.#settled(record);
        const now = await readRecord(this.#file);
        // Otherwise the files it was settled by may have been gone already.
        if (now.running?.id === record.running?.id) return settled;
      } else if (this.#isOverdue(record.running)) {
        throw new TminusError("TARGET_UNREACHABLE", `${say(record.running)} does not come to an end`);
      } else {
        await this.#options.clock.sleep(POLL_MS);
      }
    }
  }

  /**
   * The record when this fencing token is the newest and no command runs. One that does is waited for, or
   * ended when it is overdue or carries `endKey`. Throws TARGET_CONFLICT for an older token, the signal's reason.
   */
  async admit(
    fence: Fence,
    signal: AbortSignal,
    options: { endKey?: string; progress?: (text: string) => void } = {},
  ): Promise<{ record: TargetRecord; waitedFor: RunningCommand | undefined }> {
    let waitedFor: RunningCommand | undefined;
    for (;;) {
      const { record, running } = await this.#locked(signal, () => this.#fenced(fence));
      if (running === undefined) return { record, waitedFor };
      if (waitedFor?.id !== running.id) options.progress?.(`waiting: ${say(running)} still runs`);
      waitedFor = running;
      const isUnwanted = running.key !== undefined && running.key === options.endKey;
      if (isUnwanted || this.#isOverdue(running)) await endCommand(running.process, this.#options.clock);
      else await this.#options.clock.sleep(POLL_MS, signal);
    }
  }

  /** Changes the record. Throws TARGET_CONFLICT for an older token. */
  async change(
    fence: Fence,
    signal: AbortSignal,
    edit: (record: TargetRecord) => TargetRecord,
  ): Promise<TargetRecord> {
    return this.#locked(signal, async () => {
      const { record } = await this.#fenced(fence);
      const changed = edit(record);
      await writeRecord(this.#file, changed);
      return changed;
    });
  }

  /**
   * Runs the command to its end. Undefined, and nothing done, when another one runs or ran since `basis`. When aborted it ends the
   * command and throws the signal's reason; only when the run was taken over it leaves the command to the one
   * that took it. Errors: TARGET_CONFLICT, TARGET_UNHEALTHY when it cannot be started.
   */
  async run(command: Command): Promise<CommandEnd | undefined> {
    const files: CommandFiles = { folder: this.folder, id: randomText(12) };
    const detail = `${command.verb} ${command.stage?.key ?? command.release}`;
    const process = await this.#locked(command.signal, async () => {
      const { record, running } = await this.#fenced(command.fence);
      if (running !== undefined || record.generation !== command.basis) return undefined;
      return this.#begin(record, command, files, detail);
    });
    if (process === undefined) return undefined;
    if (!command.signal.aborted) await letBegin(files);
    crashPoint("target.after-spawn", detail);
    const timedOut = await this.#follow(process, command, files);
    const end = {
      exitCode: await exitCodeOf(files),
      timedOut,
      output: await lastOutput(files, OUTPUT_LINES, this.#options.redact),
    };
    await this.#locked(undefined, async () => {
      const record = await readRecord(this.#file);
      if (record.running?.id === files.id) await writeRecord(this.#file, await this.#settled(record));
    });
    command.signal.throwIfAborted();
    return end;
  }

  async #begin(
    record: TargetRecord,
    { verb, release, argv, env, limitMs, stage }: Command,
    files: CommandFiles,
    detail: string,
  ): Promise<ProcessIdentity> {
    const startedAtMs = this.#options.clock.now().getTime();
    const running: RunningCommand = {
      id: files.id,
      verb,
      release,
      startedAtMs,
      limitMs,
      ...(stage === undefined ? {} : { key: stage.key }),
    };
    const { expected: _, ...rest } = record;
    const staged: Record<string, StageRecord> =
      stage === undefined
        ? {}
        : { [stage.key]: { release, before: stage.before, begunAtMs: startedAtMs, state: "begun" } };
    const begun: TargetRecord = { ...rest, running, stages: { ...rest.stages, ...staged } };
    await writeRecord(this.#file, begun);
    await removeOtherFiles(files);
    crashPoint("target.before-spawn", detail);
    const process = await prepareCommand(argv, files, { cwd: this.#options.projectDirectory, env });
    crashPoint("target.after-spawn", `${detail} unrecorded`);
    await writeRecord(this.#file, { ...begun, running: { ...running, process } });
    return process;
  }

  /** Resolves when the command's process is gone, with whether it was ended because it took too long. */
  async #follow(process: ProcessIdentity, command: Command, files: CommandFiles): Promise<boolean> {
    const { clock, redact } = this.#options;
    const startedMs = clock.monotonicMs();
    let shown = "";
    let shownAtMs = startedMs;
    while (isAlive(process)) {
      const nowMs = clock.monotonicMs();
      if (command.signal.aborted) {
        if (hasCode(command.signal.reason, "LEASE_LOST")) throw command.signal.reason;
        await endCommand(process, clock);
        return false;
      }
      if (nowMs - startedMs > command.limitMs) {
        await endCommand(process, clock);
        return true;
      }
      if (nowMs - shownAtMs > PROGRESS_EVERY_MS) {
        shownAtMs = nowMs;
        const [line = ""] = await lastOutput(files, 1, redact);
        if (line !== shown) command.progress(line);
        shown = line;
      }
      await clock.sleep(POLL_MS, command.signal).catch(() => undefined); // the loop looks at the signal itself
    }
    return false;
  }

  /**
   * Under the lock: the record with the token in it, and the command that runs; without one the record is
   * settled. Looked at once, because a command may end at any moment. Throws TARGET_CONFLICT.
   */
  async #fenced({ token }: Fence): Promise<{ record: TargetRecord; running: LivingCommand | undefined }> {
    const found = await readRecord(this.#file);
    if (token < found.fence) {
      throw new TminusError(
        "TARGET_CONFLICT",
        `the fencing token ${token} is older than ${found.fence}, which was used here already`,
      );
    }
    const running = isRunning(found.running) ? found.running : undefined;
    const record = { ...(running === undefined ? await this.#settled(found) : found), fence: token };
    if (token !== found.fence || record.running !== found.running) await writeRecord(this.#file, record);
    return { record, running };
  }

  /** What the record says now that its command is over. */
  async #settled(record: TargetRecord): Promise<TargetRecord> {
    const { running } = record;
    if (running === undefined) return record;
    return settle(record, running, await exitCodeOf({ folder: this.folder, id: running.id }));
  }

  #isOverdue({ startedAtMs, limitMs }: RunningCommand): boolean {
    return this.#options.clock.now().getTime() > startedAtMs + limitMs + OVERDUE_MS;
  }

  #locked<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return withFolderLock(this.#locks, this.#options.clock, signal, work);
  }
}

/** "the deploy of v2 (process 4711)". */
function say({ verb, release, process, limitMs }: RunningCommand): string {
  return `the ${verb} of ${release} (process ${process?.pid ?? "unknown"}, limit ${formatDuration(limitMs)})`;
}

/** Without a recorded process it never began: it waits until that is recorded. */
function isRunning(running: RunningCommand | undefined): running is LivingCommand {
  return running?.process !== undefined && isAlive(running.process);
}
