import { pathToFileURL } from "node:url";
import { deadline } from "../lib/clock.ts";
import type { RunbookKinds } from "../model/runbook.ts";
import { Mistakes } from "./diagnostic.ts";
import { parseTree, type ParseResult } from "./parse.ts";
import { readObject } from "./read-object.ts";
import { shorten, SourceText } from "./source-text.ts";

const IMPORT_TIMEOUT_MS = 10_000;

/**
 * The runbook that a tminus.config.ts exports as `default` or `runbook`. The module is executed, with the
 * rights of this process. `version` changes with the content. Never throws for what the module does.
 */
export async function importRunbook(
  file: string,
  source: { file: string; text: string },
  version: string,
  kinds: RunbookKinds,
): Promise<ParseResult> {
  const text = new SourceText(source.file, source.text);
  const mistakes = new Mistakes();
  let module: Record<string, unknown>;
  try {
    // The query makes a changed file a new module in a process that lives on.
    module = await withDeadline(
      import(/* @vite-ignore */ `${pathToFileURL(file).href}?version=${version.slice(0, 16)}`),
    );
  } catch (error) {
    const message = `could not be executed: ${shorten(error instanceof Error ? error.message : String(error), 200)}`;
    const tooOld = error instanceof Error && "code" in error && error.code === "ERR_UNKNOWN_FILE_EXTENSION";
    const hint = tooOld ? "this Node cannot run TypeScript: use 22.18 or newer, or write tminus.yaml" : "";
    mistakes.add({ at: text.position(throwOffset(error, file, text)), path: [], message, hint });
    return { state: "invalid", ...mistakes.list(text) };
  }
  const exported = module.default ?? module.runbook;
  if (exported === undefined) {
    const hint = "export default { version: 1, … }";
    mistakes.add({
      at: text.position(0),
      path: [],
      message: 'exports neither "default" nor "runbook"',
      hint,
    });
    return { state: "invalid", ...mistakes.list(text) };
  }
  return parseTree(text, readObject(exported, text, mistakes), kinds, mistakes);
}

async function withDeadline(loading: Promise<Record<string, unknown>>): Promise<Record<string, unknown>> {
  const signal = deadline(IMPORT_TIMEOUT_MS);
  const timeout = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () =>
      reject(new Error(`it did not finish within ${IMPORT_TIMEOUT_MS / 1000} s`)),
    );
  });
  return Promise.race([loading, timeout]);
}

/** The offset of the line that the error names, when it names one of this file. */
function throwOffset(error: unknown, file: string, text: SourceText): number {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const place = stack.slice(stack.indexOf(pathToFileURL(file).href));
  const line = /^[^\s()]*?:(\d+)/.exec(place.replace(/^file:/, ""))?.[1];
  const lines = text.text.split("\n").slice(0, Math.max(0, Number(line ?? 1) - 1));
  return lines.reduce((sum, content) => sum + content.length + 1, 0);
}
