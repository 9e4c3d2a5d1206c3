import { resolve } from "node:path";
import { hashJson, sha256 } from "../../lib/hash.ts";
import { invalidMigrations, readFolder, sqlFile } from "../migrations/discover.ts";
import { detectFormat } from "../migrations/history/detect.ts";
import type { HistoryFormat } from "../migrations/migration.ts";
import { parseForeign } from "../migrations/parse-foreign.ts";
import type { FormatChoice } from "../migrations/read-history.ts";
import { readLintFile, type LintFile } from "./lint-file.ts";

export interface LintFolder {
  format: HistoryFormat;
  /** In the order in which they run; `file` is the path below the folder. */
  files: LintFile[];
  /** What each holds, by its path. */
  texts: ReadonlyMap<string, string>;
  /** Changes when a file is added, removed, renamed or edited. */
  digest: string;
}

/**
 * Every migration of a folder, as far as the linter needs it: files that could not be run are read as well, so
 * that it can say why. Errors: MIGRATION_INVALID when the folder or a file cannot be read as text.
 */
export async function readLintFolder(directory: string, choice: FormatChoice): Promise<LintFolder> {
  const format = choice === "auto" ? await detectFormat(resolve(directory)) : choice;
  const pathOf = format === "prisma" ? (name: string) => `${name}/migration.sql` : forwardFile;
  const { files, problems } = await readFolder(directory, pathOf);
  if (problems.length > 0) throw invalidMigrations(directory, problems);
  const ordered = format === "native" ? files.toSorted((a, b) => byVersion(a.name, b.name)) : files;
  return {
    format,
    files: ordered.map(({ name, text }) => lintFileOf(format, name, text)),
    texts: new Map(ordered.map(({ name, text }) => [name, text])),
    digest: hashJson(ordered.map(({ name, text }) => [name, sha256(text)])),
  };
}

/** A file of a folder as its owner runs it. */
export function lintFileOf(format: HistoryFormat, file: string, text: string): LintFile {
  const transactional = format === "native" || isOneTransaction(format, file, text);
  return readLintFile(file, text, { transactional });
}

/** Other tools put the undo beside the file. */
function forwardFile(name: string): string | undefined {
  return name.endsWith(".down.sql") ? undefined : sqlFile(name);
}

function isOneTransaction(format: HistoryFormat, file: string, text: string): boolean {
  return parseForeign({ format, version: file, name: file, file, text }).transactional;
}

/** By the number in front, as migrations run; a file without one comes last. */
function byVersion(a: string, b: string): number {
  const [first, second] = [/^\d{1,20}/.exec(a)?.[0], /^\d{1,20}/.exec(b)?.[0]];
  if (first === undefined || second === undefined)
    return Number(first === undefined) - Number(second === undefined);
  const difference = BigInt(first) - BigInt(second);
  return difference < 0n ? -1 : Number(difference > 0n);
}
