import { readFileSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { TminusError } from "../../errors.ts";
import { hashJson } from "../../lib/hash.ts";
import { compareVersions, type Migration } from "./migration.ts";
import { parseMigration } from "./parse-migration.ts";
import { UNFINISHED_WRITE, unfinishedWrite } from "./unfinished.ts";

const MAX_FILES = 10_000;
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_LISTED = 20;
/** Its protocol ends a text there. */
const ZERO_BYTE = "the file holds a zero byte, which PostgreSQL takes in no text: is it UTF-16, or not text?";

/**
 * Every migration in a folder, oldest first. Files that do not end in ".sql" are passed over.
 * Errors: MIGRATION_INVALID, which lists what is wrong in every file as file:line.
 */
export async function discoverMigrations(directory: string): Promise<Migration[]> {
  const migrations: Migration[] = [];
  const { files, problems } = await readFolder(directory, sqlFile);
  for (const { name, text } of files) {
    const parsed = parseMigration(name, text);
    if ("problems" in parsed) problems.push(...parsed.problems);
    else migrations.push(parsed.migration);
  }
  migrations.sort(compareVersions);
  problems.push(...findDuplicates(migrations));
  if (problems.length > 0) throw invalidMigrations(directory, problems, foreignHint(problems));
  return migrations;
}

function foreignHint(problems: readonly string[]): string | undefined {
  return problems.some((problem) => problem.endsWith("there is no line '-- tminus: up'"))
    ? "Write that line above the statements; files that the Supabase CLI runs as well need format: supabase instead."
    : undefined;
}

/** For readFolder: the files that end in ".sql". */
export function sqlFile(name: string): string | undefined {
  return name.endsWith(".sql") ? name : undefined;
}

interface FolderFile {
  /** Path below the folder. */
  name: string;
  text: string;
  bytes: Uint8Array;
}

/**
 * Reads the files of a folder, in the order of their names byte by byte; `pathOf` says for each name in the folder
 * which file is meant, and undefined for what is passed over. A file that is not there is left out; one that
 * cannot be read is a problem, beginning with file:line. Errors: MIGRATION_INVALID when the folder cannot be read.
 */
export async function readFolder(
  directory: string,
  pathOf: (name: string) => string | undefined,
): Promise<{ files: FolderFile[]; problems: string[] }> {
  const files: FolderFile[] = [];
  const problems: string[] = [];
  const present = await namesIn(directory);
  if (present.includes(UNFINISHED_WRITE)) throw unfinishedWrite(directory);
  const names = present.flatMap((name) => pathOf(name) ?? []);
  if (names.length > MAX_FILES)
    throw invalidMigrations(directory, [`there are more than ${MAX_FILES} files`]);
  for (const name of names) {
    const content = readText(join(directory, name));
    if (content === undefined) continue;
    if ("problem" in content) problems.push(`${name}:1: ${content.problem}`);
    else files.push({ name, ...content });
  }
  return { files, problems };
}

/** Changes when a file is added, removed, renamed or edited. */
export function digestMigrations(migrations: readonly Migration[]): string {
  return hashJson(migrations.map(({ file, checksum }) => [file, checksum]));
}

async function namesIn(directory: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TminusError("MIGRATION_INVALID", `the folder of migrations could not be read: ${reason}`, {
      hint: "Check `directory` in the db.migrate step; it is relative to the project folder.",
      details: { directory },
      cause: error,
    });
  }
  return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** Synchronous: the way through the thread pool takes several times as long as the calls. */
function readText(path: string): { text: string; bytes: Uint8Array } | { problem: string } | undefined {
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) return { problem: `the file is larger than ${MAX_FILE_BYTES} bytes` };
    const bytes = readFileSync(path);
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? { problem: ZERO_BYTE } : { bytes, text };
  } catch (error) {
    if (isMissing(error)) return undefined;
    // Reported with the other files' problems, so that one reading shows all of them.
    return {
      problem: `the file could not be read as UTF-8 text: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

/** Not a file of the folder, or a file where a folder was looked for. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/** Expects sorted migrations. */
export function findDuplicates(migrations: readonly Migration[]): string[] {
  return migrations.flatMap((migration, index) => {
    const before = migrations[index - 1];
    return before !== undefined && compareVersions(before, migration) === 0
      ? [`${migration.file}:1: has the same timestamp as ${before.file}`]
      : [];
  });
}

/** MIGRATION_INVALID with the first of the problems; each begins with file:line. */
export function invalidMigrations(
  directory: string,
  problems: readonly string[],
  hint?: string,
): TminusError {
  const more = problems.length > MAX_LISTED ? `\n… and ${problems.length - MAX_LISTED} more` : "";
  return new TminusError("MIGRATION_INVALID", problems.slice(0, MAX_LISTED).join("\n") + more, {
    ...(hint === undefined ? {} : { hint }),
    details: { directory, problems: problems.slice(0, MAX_LISTED) },
  });
}
