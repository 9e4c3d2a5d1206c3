import { tmpdir } from "node:os";
import { systemClock } from "../../../src/lib/clock.ts";
import type { Tminus } from "../../../src/model/tminus.ts";
import type { Host } from "../../../src/cli/host.ts";
import { openDatabasePlace } from "../../../src/compose/database/place.ts";
import { runCli } from "../../../src/cli/run-cli.ts";

export interface CommandResult {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** The questions that were asked. */
  asked: string[];
}

export interface CommandOptions {
  /** All three streams are terminals. */
  isTty?: boolean;
  columns?: number;
  /** What the person types. */
  answer?: string;
  /** What the person types where nothing is shown. */
  secret?: string;
  directory?: string;
  environment?: Record<string, string>;
  monotonicMs?: () => number;
  /** Given what is called on Ctrl-C. */
  onStart?: (interrupt: () => void) => void;
  /** Given what ticks: the interval in milliseconds and what is called. */
  onEvery?: (ms: number, task: () => void) => void;
}

/** Runs one command line in this process against a fake facade, with everything that it printed. */
export async function runCommand(
  tminus: Tminus | (() => Promise<Tminus>),
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { isTty = false, columns = 100, answer = "" } = options;
  const result: CommandResult = { exitCode: -1, stdout: "", stderr: "", asked: [] };
  const host: Host = {
    directory: options.directory ?? tmpdir(),
    environment: options.environment ?? {},
    clock: {
      ...systemClock,
      ...(options.monotonicMs === undefined ? {} : { monotonicMs: options.monotonicMs }),
    },
    stdout: { isTty, columns: () => columns, rows: () => 40, write: (text) => void (result.stdout += text) },
    stderr: { isTty, columns: () => columns, rows: () => 40, write: (text) => void (result.stderr += text) },
    isInputTty: isTty,
    async ask(question) {
      result.asked.push(question);
      return answer;
    },
    async askSecret(question) {
      result.asked.push(question);
      return options.secret ?? "";
    },
    onInterrupt(listener) {
      options.onStart?.(listener);
      return () => undefined;
    },
    every(ms, task) {
      options.onEvery?.(ms, task);
      return () => undefined;
    },
    userName: () => "mia",
    openTminus: async () => (typeof tminus === "function" ? tminus() : tminus),
    openDatabase: openDatabasePlace,
  };
  result.exitCode = await runCli(argv, host);
  return result;
}

export function hasEscape(text: string): boolean {
  return text.includes("\u001b");
}

/** What is left of a terminal's output without what the live tree needs to paint over itself. */
export function withoutPainting(text: string): string {
  // oxlint-disable-next-line no-control-regex -- escape sequences are what is taken out
  return text.replaceAll(/\u001b\[\?2026[hl]|\u001b\[(\d+A|K|J)/g, "");
}
