import { TminusError } from "../../../errors.ts";
import type { ExitCode } from "../../../error-codes.ts";
import type { CommandContext } from "../../command-context.ts";
import type { LintCommandOptions } from "../../database/lint.ts";

/** Exit code 3 when something still blocks, or what was rewritten is wrong; with --strict also for what needs a yes. */
export async function fixFiles(context: CommandContext, options: LintCommandOptions): Promise<ExitCode> {
  const { output, cancelled, host, globals } = context;
  if (options.format !== "text") {
    throw new TminusError("USAGE_INVALID", `--fix has no --format ${options.format}`, {
      hint: "Leave --format out; --json has everything.",
    });
  }
  const isNamed = options.database !== undefined || globals.env !== undefined;
  const place = isNamed ? await context.openDatabase(options.database) : undefined;
  const { fixMigrations } = await import("../../../compose/database/fix.ts");
  const { counts, problems, verdict, value, lines } = await fixMigrations(place, {
    folder: options.dir,
    directory: place?.projectDirectory ?? host.directory,
    history: options.history,
    style: options.style === true,
    write: options.write === true,
    environment: host.environment,
    signal: cancelled,
    progress: (text) => output.note(place?.redact(text) ?? text),
  });
  const isRefused =
    counts.block + problems.length > 0 ||
    verdict?.state === "wrong" ||
    (options.strict === true && counts.ask > 0);
  const exitCode = isRefused ? 3 : 0;
  for (const { reason, fix } of problems) output.note(`problem: ${reason}\n         ${fix}`);
  output.result({ ...value, exitCode }, lines);
  return exitCode;
}
