import { readFileSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { tooLarge } from "../compose/evidence.ts";
import { TminusError, toErrorRecord } from "../errors.ts";
import { MAX_ATTACHMENT_BYTES, type Attachment } from "../model/evidence.ts";
import type { Tminus } from "../model/tminus.ts";
import { clean } from "../report/text.ts";
import type { CommandContext } from "./command-context.ts";

/** Keeps the file as evidence, for the record that names it. Errors: USAGE_INVALID. */
export async function handIn({ host }: CommandContext, tminus: Tminus, file: string): Promise<Attachment> {
  const path = resolve(host.directory, file);
  let content: Buffer;
  try {
    const { size } = statSync(path);
    if (size > MAX_ATTACHMENT_BYTES) throw tooLarge(clean(file), size); // before it is read
    content = readFileSync(path);
  } catch (error) {
    if (error instanceof TminusError) throw error;
    throw new TminusError(
      "USAGE_INVALID",
      `${clean(file)} could not be read: ${toErrorRecord(error).message}`,
      {
        hint: "Name a file that you may read: --attach report.pdf",
        cause: error,
      },
    );
  }
  return tminus.handIn({ name: clean(basename(path)), content });
}
