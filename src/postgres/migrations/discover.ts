import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { TminusError } from "../../errors.ts";
import { hashJson } from "../../lib/hash.ts";
import { compareVersions, type Migration } from "./migration.ts";
import { parseMigration } from "./parse-migration.ts";

const MAX_FILES = 10_000;
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_LISTED = 20;

/**
 * Every migration in a folder, oldest first. Files that do not end in ".sql" are passed over.
 * Errors: MIGRATION_INVALID, which lists what is wrong in every file as file:line.
 */
export async function discoverMigrations(directory: string): Promise<Migration[]> {
  const files = await listSqlFiles(directory);
  const migrations: Migration[] = [];
  const problems: string[] = [];
  for (const file of files) {
    const content = await readText(join(directory, file));
    if ("problem" in content) {
      problems.push(`${file}:1: ${content.problem}`);
      continue;
    }
    const parsed = parseMigration(file, content.text);
    if ("problems" in parsed) problems.push(...parsed.problems);
    else migrations.push(parsed.migration);
  }
  migrations.sort(compareVersions);
  problems.push(...findDuplicates(migrations));
  if (problems.length > 0) throw invalid(directory, problems);
  return migrations;
}

/** Changes when a file is added, removed, renamed or edited. */
export function digestMigrations(migrations: readonly Migration[]): string {
  return hashJson(migrations.map(({ file, checksum }) => [file, checksum]));
}

async function listSqlFiles(directory: string): Promise<string[]> {
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
  const files = names.filter((name) => name.endsWith(".sql")).sort();
  if (files.length > MAX_FILES) throw invalid(directory, [`there are more than ${MAX_FILES} files`]);
  return files;
}

async function readText(path: string): Promise<{ text: string } | { problem: string }> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) return { problem: `the file is larger than ${MAX_FILE_BYTES} bytes` };
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path)) };
  } catch (error) {
    // Reported with the other files' problems, so that one reading shows all of them.
    return {
      problem: `the file could not be read as UTF-8 text: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

/** Expects sorted migrations. */
function findDuplicates(migrations: readonly Migration[]): string[] {
  return migrations.flatMap((migration, index) => {
    const before = migrations[index - 1];
    return before !== undefined && compareVersions(before, migration) === 0
      ? [`${migration.file}:1: has the same timestamp as ${before.file}`]
      : [];
  });
}

function invalid(directory: string, problems: readonly string[]): TminusError {
  const more = problems.length > MAX_LISTED ? `\n… and ${problems.length - MAX_LISTED} more` : "";
  return new TminusError("MIGRATION_INVALID", problems.slice(0, MAX_LISTED).join("\n") + more, {
    details: { directory, problems: problems.slice(0, MAX_LISTED) },
  });
}
