import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { exportLine } from "../../../audit/export-format.ts";
import { TminusError } from "../../../errors.ts";
import type { ExitCode } from "../../../error-codes.ts";
import type { ExportOptions } from "../../audit-program.ts";
import type { CommandContext } from "../../command-context.ts";
import { countProgress } from "../../output/count-progress.ts";

/** Writes record by record, beside the file, and puts it in its place when it is complete. */
export async function exportAudit(
  context: CommandContext,
  { output: file, evidence }: ExportOptions,
): Promise<ExitCode> {
  const { output, host, cancelled } = context;
  const tminus = await context.open();
  const path = resolve(host.directory, file);
  const temporary = `${path}.${process.pid}.tmp`;
  const progress = countProgress(host, output, "records written");
  async function* lines(): AsyncGenerator<string> {
    for await (const record of tminus.audit({ evidence })) {
      progress.count++;
      yield exportLine(record);
    }
  }
  try {
    const sink = createWriteStream(temporary, { mode: 0o600, flush: true });
    await pipeline(Readable.from(lines()), sink, { signal: cancelled });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw isFileError(error)
      ? new TminusError("USAGE_INVALID", `the export could not be written: ${error.message}`, {
          hint: "Name a file in a folder that exists and may be written to.",
          cause: error,
        })
      : error;
  } finally {
    progress.stop();
  }
  output.result({ project: tminus.project, file: path, records: progress.count, exitCode: 0 }, [
    `${progress.count.toLocaleString("en")} records written to ${file}; verify them anywhere with: tminus audit verify --file ${file}`,
  ]);
  return 0;
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}
