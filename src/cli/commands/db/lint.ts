import { TminusError } from "../../../errors.ts";
import type { ExitCode } from "../../../error-codes.ts";
import { compileWebAssemblyOnce } from "../../../lib/webassembly.ts";
import type { CommandContext } from "../../command-context.ts";
import type { LintCommandOptions } from "../../database/lint.ts";

/** Exit code 3 for what should not run; with --strict also for what needs a yes. */
export async function lintFiles(context: CommandContext, options: LintCommandOptions): Promise<ExitCode> {
  const { output, cancelled, host, globals } = context;
  if (options.write === true) {
    throw new TminusError("USAGE_INVALID", "--write writes what --fix shows", {
      hint: `Run tminus db lint --dir ${options.dir} --fix --write.`,
    });
  }
  // Files alone are enough: a database is asked only when one is named.
  const isNamed = options.database !== undefined || globals.env !== undefined;
  const place = isNamed ? await context.openDatabase(options.database) : undefined;
  compileWebAssemblyOnce();
  const { lintDatabase } = await import("../../../compose/database/lint.ts");
  const { counts, problems, value, lines } = await lintDatabase(place, {
    folder: options.dir,
    directory: place?.projectDirectory ?? host.directory,
    history: options.history,
    style: options.style === true,
    format: options.format,
    signal: cancelled,
  });
  const isRefused = counts.block + problems.length > 0 || (options.strict === true && counts.ask > 0);
  const exitCode = isRefused ? 3 : 0;
  for (const { reason, fix } of problems) output.note(`problem: ${reason}\n         ${fix}`);
  output.result(options.format === "sarif" ? value : { ...value, exitCode }, lines);
  return exitCode;
}
