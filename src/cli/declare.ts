import { Command, InvalidArgumentError } from "commander";
import { parseDuration } from "../lib/duration.ts";
import { MAX_SEARCH_LENGTH } from "../model/run-list.ts";
import type { CommandBody, GlobalOptions } from "./command-context.ts";

/** Carries out the body of a command with the options that every command understands. */
export type Execute = (globals: GlobalOptions, body: CommandBody) => Promise<void>;
/** The same, with the options already read. */
export type Run = (body: CommandBody) => Promise<void>;

const examplesByCommand = new WeakMap<Command, readonly string[]>();

/** Examples of a command, shown in its help and in docs/cli.md. */
export function examplesOf(command: Command): readonly string[] {
  return examplesByCommand.get(command) ?? [];
}

export const RUN = "run id or the beginning of one; the active run when left out";

export function withActor(command: Command): Command {
  return command.option("--by <name>", "who is acting; TMINUS_ACTOR or the system's user name when left out");
}

/** For a command that a user can sign in for. */
export function withIdentity(command: Command): Command {
  return withActor(command).option("--login <name>", "user who is acting; asks for the password");
}

/** For a command about one database: the environment's, or one that is named without a runbook. */
export function withDatabase(command: Command): Command {
  return command.option(
    "--database <reference>",
    "env:NAME or file:path#NAME of the connection string; the environment's database when left out",
  );
}

export function withConfirmation(command: Command): Command {
  return command
    .option("--yes", "do not ask before changing a protected environment")
    .option("--confirm <env>", "the same, with the environment's name as a check");
}

export function example(command: Command, ...lines: string[]): void {
  examplesByCommand.set(command, lines);
  command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}`);
}

export function durationOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms === 0)
    throw new InvalidArgumentError("Write a duration like 90s, 15m or 1h30m.");
  return ms;
}

export function countOf(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1 || number > 1000)
    throw new InvalidArgumentError("Give a number from 1 to 1000.");
  return number;
}

export function searchOf(text: string): string {
  if (text.length > MAX_SEARCH_LENGTH)
    throw new InvalidArgumentError(`Give at most ${MAX_SEARCH_LENGTH} characters.`);
  return text;
}

/** For an option that may be repeated. */
export function collect(text: string, before: string[]): string[] {
  return [...before, text];
}
