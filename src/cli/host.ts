import type { Clock } from "../lib/clock.ts";
import type { DatabasePlace, OpenDatabaseOptions } from "../model/database.ts";
import type { Tminus } from "../model/tminus.ts";

/** What a command may touch of the process that it runs in; tests give their own. */
export interface Host {
  directory: string;
  environment: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  stdout: Sink;
  stderr: Sink;
  isInputTty: boolean;
  /** Prints the question to stderr and reads one line; "" at the end of the input. Rejects with `signal`. */
  ask(question: string, signal: AbortSignal): Promise<string>;
  /** The same without showing what is typed; only at a terminal. */
  askSecret(question: string, signal: AbortSignal): Promise<string>;
  /** Calls back on Ctrl-C and on SIGTERM until the returned function is called. */
  onInterrupt(listener: () => void): () => void;
  /** Calls `task` every `ms` until the returned function is called. */
  every(ms: number, task: () => void): () => void;
  /** Name of the person at the operating system. */
  userName(): string;
  openTminus(options: OpenOptions): Promise<Tminus>;
  openDatabase(options: OpenDatabaseOptions): Promise<DatabasePlace>;
}

export interface Sink {
  write(text: string): void;
  isTty: boolean;
  columns(): number;
  rows(): number;
}

export interface OpenOptions {
  configFile?: string;
  directory: string;
  environment: Readonly<Record<string, string | undefined>>;
  /** One line about what is being prepared. */
  log(line: string): void;
}
