import { closeSync, openSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { TminusError } from "../errors.ts";
import type { ExitCode } from "../error-codes.ts";
import type { Tminus } from "../model/tminus.ts";
import { clean } from "../report/text.ts";
import type { CommandContext } from "./command-context.ts";
import { cannotWrite } from "./write-marked.ts";

/**
 * Prints a text as it is into a file or pipe, and made safe for a terminal; what is no text it only writes into a file.
 * With `--json` bytes are base64. Errors: USAGE_INVALID.
 */
export async function showEvidence(
  context: CommandContext,
  tminus: Tminus,
  wanted: string,
  { output: file, force }: { output?: string | undefined; force: boolean },
): Promise<ExitCode> {
  const { output, host } = context;
  const sha256 = wanted.toLowerCase();
  const found = await tminus.evidence(sha256);
  if (found === undefined) {
    throw new TminusError("USAGE_INVALID", `there is no evidence with the SHA-256 ${clean(wanted)}`, {
      hint: "tminus show <run> --step <id> lists the evidence of a step, each with its full SHA-256.",
    });
  }
  const { content, mediaType } = found;
  if (file !== undefined) {
    writeNew(resolve(host.directory, file), file, content, force);
    output.result({ evidence: sha256, mediaType, file }, [`written: ${clean(file)}`]);
    return 0;
  }
  if (typeof content === "string") {
    const lines = content.replace(/\n$/, "").split("\n");
    output.result({ evidence: sha256, mediaType, content }, host.stdout.isTty ? lines.map(clean) : lines);
    return 0;
  }
  if (output.mode === "text") {
    throw new TminusError(
      "USAGE_INVALID",
      `evidence ${sha256} is no text but ${clean(mediaType)}, ${content.byteLength} bytes; it is not printed`,
      { hint: `Write it into a file: tminus show --evidence ${sha256} -o <file>` },
    );
  }
  output.result(
    { evidence: sha256, mediaType, encoding: "base64", content: Buffer.from(content).toString("base64") },
    [],
  );
  return 0;
}

/** To the byte, for whoever runs the command; what is there already stays unless `force`. */
function writeNew(path: string, name: string, content: string | Uint8Array, force: boolean): void {
  try {
    const file = openSync(path, force ? "w" : "wx");
    try {
      const bytes = Buffer.from(content);
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST")
      throw new TminusError("USAGE_INVALID", `${clean(name)} is there already; nothing was written`, {
        hint: "Name another file, or overwrite it with --force.",
      });
    throw cannotWrite(name, error);
  }
}
