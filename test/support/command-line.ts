import { spawn, type ChildProcess } from "node:child_process";
import { resolve } from "node:path";

const MAIN = resolve(import.meta.dirname, "../../src/cli/main.ts");
/** A command that takes longer is stuck, unless it is said how long it may take. */
const STUCK_MS = 45_000;
const SILENT_MS = 40_000;
/** No command outlives this, whatever became of its test. */
const LONGEST_MS = 600_000;

export interface Ended {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

/** The command line as a person has it: every command is a process of its own, in one folder with one environment. */
export class CommandLine {
  readonly #directory: string;
  readonly #environment: Record<string, string>;
  readonly #started: StartedCommand[] = [];

  constructor(directory: string, environment: Record<string, string>) {
    this.#directory = directory;
    this.#environment = environment;
  }

  /** Runs a command to its end, whatever its exit code. */
  run(...args: string[]): Promise<Ended> {
    return this.start(...args).within(STUCK_MS);
  }

  /** Runs a command with --json and returns its exit code and the one object that it printed. Throws when stdout is anything else. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what the command prints
  async json<T>(...args: string[]): Promise<{ exitCode: number | undefined; value: T; stderr: string }> {
    const { exitCode, stdout, stderr } = await this.run(...args, "--json");
    return { exitCode, value: JSON.parse(stdout) as T, stderr };
  }

  start(...args: string[]): StartedCommand {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: this.#directory,
      env: this.#environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const started = new StartedCommand(args, child);
    this.#started.push(started);
    return started;
  }

  /** Everything that any command printed. */
  printed(): string {
    return this.#started.map(({ stdout, stderr }) => stdout + stderr).join("\n");
  }

  /** Kills what still runs. */
  async close(): Promise<void> {
    for (const command of this.#started) command.kill("SIGKILL");
    await Promise.all(this.#started.map(({ ended }) => ended.catch(() => undefined)));
  }
}

export class StartedCommand {
  readonly args: readonly string[];
  readonly pid: number;
  /** Rejects when the command hangs for minutes. */
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";
  readonly #child: ChildProcess;

  constructor(args: readonly string[], child: ChildProcess) {
    this.args = args;
    this.#child = child;
    this.pid = child.pid!;
    child.stdout!.setEncoding("utf8").on("data", (chunk: string) => (this.stdout += chunk));
    child.stderr!.setEncoding("utf8").on("data", (chunk: string) => (this.stderr += chunk));
    this.ended = new Promise((done, fail) => {
      const stuck = setTimeout(() => {
        this.kill("SIGKILL");
        fail(new Error(`tminus ${args.join(" ")} did not end\n${this.stdout}\n${this.stderr}`));
      }, LONGEST_MS);
      child.once("close", (code) => {
        clearTimeout(stuck);
        done({ exitCode: code ?? undefined, stdout: this.stdout, stderr: this.stderr });
      });
    });
    this.ended.catch(() => undefined); // whoever awaits it hears of it
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
  }

  /** The end of the command; kills it and rejects, with what it printed, when it takes longer. */
  async within(timeoutMs: number): Promise<Ended> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.kill("SIGKILL");
    }, timeoutMs);
    const ended = await this.ended.finally(() => clearTimeout(timer));
    if (late)
      throw new Error(`tminus ${this.args.join(" ")} did not end in time\n${ended.stdout}\n${ended.stderr}`);
    return ended;
  }

  /**
   * Resolves with the match as soon as what was printed so far matches; rejects when the command ends without,
   * or when it takes too long.
   */
  until(pattern: RegExp, timeoutMs = SILENT_MS): Promise<RegExpExecArray> {
    const streams = [this.#child.stdout!, this.#child.stderr!];
    return new Promise((found, fail) => {
      const finish = (settle: () => void): void => {
        clearTimeout(late);
        for (const stream of streams) stream.off("data", look);
        settle();
      };
      const look = (): void => {
        const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
        if (match !== null) finish(() => found(match));
      };
      const missing = (): void => {
        const told = `tminus ${this.args.join(" ")} did not print ${pattern}\n${this.stdout}\n${this.stderr}`;
        finish(() => fail(new Error(told)));
      };
      const late = setTimeout(missing, timeoutMs);
      for (const stream of streams) stream.on("data", look);
      this.ended.then(missing, missing);
      look();
    });
  }
}
