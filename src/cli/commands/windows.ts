import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { freezeName } from "../../model/freeze.ts";
import type { EnvironmentWindows } from "../../model/tminus.ts";
import { clean } from "../../report/text.ts";
import { environmentFilter, type CommandContext } from "../command-context.ts";
import { toJson } from "../output/json.ts";

/** What keeps deploys out of each environment now, when it opens, and what is declared. Changes nothing. */
export async function windows(context: CommandContext): Promise<ExitCode> {
  const tminus = await context.open();
  const only = environmentFilter(context, tminus);
  const all: EnvironmentWindows[] = [];
  for (const name of only === undefined ? tminus.environments : [only]) all.push(await tminus.windows(name));
  context.output.result(
    { windows: toJson(all), exitCode: 0 },
    all.flatMap((one) => windowsText(one)),
  );
  return 0;
}

/** Writes the calendar of one environment, or of all, to a file. */
export async function exportWindows(
  context: CommandContext,
  { output: file }: { output: string },
): Promise<ExitCode> {
  const tminus = await context.open();
  const only = environmentFilter(context, tminus);
  const text = await tminus.exportWindows(only);
  try {
    await writeFile(resolve(context.host.directory, file), text);
  } catch (error) {
    throw new TminusError("USAGE_INVALID", `the calendar could not be written: ${String(error)}`, {
      hint: "Name a file in a folder that exists and may be written to.",
      cause: error,
    });
  }
  const events = text.split("BEGIN:VEVENT").length - 1;
  context.output.result({ file, events, exitCode: 0 }, [`${events} events written to ${file}`]);
  return 0;
}

function windowsText({ environment, standing, openings, freezes }: EnvironmentWindows): string[] {
  const lines = [`${environment}  ${clean(standing.text)}`];
  if (openings.length > 0) lines.push("  open next:");
  for (const { text } of openings) lines.push(`    ${text}`);
  for (const freeze of freezes) {
    const where = freeze.environment ?? "every environment";
    lines.push(
      `  freeze ${freezeName(freeze)} of ${where} from ${minute(freeze.from)} until ${minute(freeze.until)} by ${clean(freeze.by)}: ${clean(freeze.reason)}; lift it: tminus thaw ${freezeName(freeze)} --reason "<why>"`,
    );
  }
  return lines;
}

function minute(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace("T", " ")}Z`;
}
