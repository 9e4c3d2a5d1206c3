import { CommanderError } from "commander";
import { TminusError, describeCode, toErrorRecord } from "../errors.ts";
import type { ExitCode } from "../error-codes.ts";
import type { DatabasePlace } from "../model/database.ts";
import type { Tminus } from "../model/tminus.ts";
import type { CommandBody, CommandContext, GlobalOptions } from "./command-context.ts";
import type { Host } from "./host.ts";
import { jsonLine } from "./output/json.ts";
import { openOutput, type Output, type OutputMode } from "./output/output.ts";
import { buildProgram } from "./program.ts";

/** Runs one command line and returns its exit code. Never throws: every error is printed. */
export async function runCli(argv: readonly string[], host: Host): Promise<number> {
  // Commander would take the word after a bare --json for its value.
  const args = argv.map((arg) => (arg === "--json" ? "--json=object" : arg));
  const isJson = args.some((arg) => arg.startsWith("--json="));
  let exitCode: ExitCode = 0;
  let help = "";
  const program = buildProgram(async (globals, body) => {
    exitCode = await runBody(host, globals, body);
  });
  for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => {
        help += text;
      },
      writeErr: () => undefined,
      getOutHelpWidth: () => host.stdout.columns(),
      getOutHasColors: () => false,
    });
  }
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!isHelp(error)) exitCode = reportUsage(host, args, error);
  }
  if (help !== "") host.stdout.write(isJson ? jsonLine({ text: help }) : help);
  return exitCode;
}

async function runBody(host: Host, globals: GlobalOptions, body: CommandBody): Promise<ExitCode> {
  const output = openOutput(host, {
    mode: modeOf(globals.json),
    isQuiet: globals.quiet === true,
    isPlain: globals.plain === true,
    wantsColor: globals.color,
  });
  const interrupt = new AbortController();
  // The second Ctrl-C finds nobody listening and ends the process.
  const stopListening = host.onInterrupt(() => {
    stopListening();
    interrupt.abort(new TminusError("INTERRUPTED", "interrupted"));
  });
  let opening: Promise<Tminus> | undefined;
  const open = (): Promise<Tminus> => {
    opening ??= host.openTminus({
      directory: host.directory,
      environment: host.environment,
      log: (line) => output.note(line),
      ...(globals.config === undefined ? {} : { configFile: globals.config }),
    });
    return opening;
  };
  const places: DatabasePlace[] = [];
  const openDatabase = async (reference: string | undefined): Promise<DatabasePlace> => {
    const place = await host.openDatabase({
      directory: host.directory,
      environment: host.environment,
      ...(globals.config === undefined ? {} : { configFile: globals.config }),
      ...(globals.env === undefined ? {} : { environmentName: globals.env }),
      ...(reference === undefined ? {} : { reference }),
    });
    places.push(place);
    return place;
  };
  try {
    const context: CommandContext = {
      host,
      globals,
      output,
      cancelled: interrupt.signal,
      open,
      openDatabase,
    };
    return await body(context);
  } catch (error) {
    return report(output, interrupt.signal.aborted && !isOwn(error) ? interrupt.signal.reason : error);
  } finally {
    stopListening();
    const tminus = await opening?.catch(() => undefined); // reported above, by the command that awaited it
    for (const opened of [tminus, ...places]) {
      await opened
        ?.close()
        .catch((error: unknown) => output.note(`while closing: ${toErrorRecord(error).message}`));
    }
  }
}

function report(output: Output, error: unknown): ExitCode {
  const record = toErrorRecord(error);
  output.error(record);
  return describeCode(record.code).exit;
}

function isOwn(error: unknown): boolean {
  return toErrorRecord(error).code !== "INTERNAL";
}

/** Commander's own complaint about the command line, with its "did you mean" as the hint. */
function reportUsage(host: Host, args: readonly string[], error: unknown): ExitCode {
  const mode = args.includes("--json=stream") ? "stream" : args.includes("--json=object") ? "json" : "text";
  const output = openOutput(host, {
    mode,
    isQuiet: false,
    isPlain: args.includes("--plain"),
    wantsColor: !args.includes("--no-color"),
  });
  if (!(error instanceof CommanderError)) return report(output, error);
  const [message = "", suggestion = ""] = error.message.replace(/^error: /, "").split(/\n(?=\(Did you mean)/);
  const hint = suggestion === "" ? {} : { hint: suggestion.replaceAll(/[()]/g, "").trim() };
  return report(output, new TminusError("USAGE_INVALID", message, hint));
}

function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}

function modeOf(json: GlobalOptions["json"]): OutputMode {
  if (json === undefined) return "text";
  return json === "stream" ? "stream" : "json";
}
