import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { clean } from "../../report/text.ts";
import type { CommandContext } from "../command-context.ts";
import { detect } from "../init/detect.ts";
import { runbookText } from "../init/runbook-text.ts";

const FILE = "tminus.yaml";

/** Writes a first runbook from what is in the folder. Opens nothing and asks nothing. */
export async function init(
  { output, host }: CommandContext,
  { force }: { force: boolean },
): Promise<ExitCode> {
  const found = await detect(host.directory);
  await write(join(host.directory, FILE), runbookText(found), force);
  output.result({ file: FILE, project: found.project, reasons: found.reasons }, [
    `${FILE} written for project ${found.project}:`,
    ...found.reasons.map(({ what, why }) => `  ${clean(what)}  because ${clean(why)}`),
    "Read it, set the addresses and variables, then:",
    "  tminus doctor",
    "  tminus plan --env staging --release <name>",
  ]);
  return 0;
}

async function write(path: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(path, text, { flag: force ? "w" : "wx" });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === "EEXIST";
    throw new TminusError(
      "USAGE_INVALID",
      isThere ? `${FILE} is there already` : `${FILE} could not be written: ${String(error)}`,
      {
        hint: isThere
          ? "Edit it, or overwrite it with --force."
          : "Run tminus init in a folder that may be written to.",
        cause: error,
      },
    );
  }
}
