import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import type { HistoryFormat } from "../migration.ts";

const PROJECT = /^project_id\s*=/m;
const UP = /^\s*--\s*tminus\b\s*:?\s*up\s*$/im;

/**
 * Whose files a folder holds, by what is in it: folders with a migration.sql, or migration_lock.toml, are
 * Prisma's; .sql files without any line '-- tminus: up' are Supabase's when the folder is supabase/migrations
 * or stands beside a config.toml with a project_id; all else is native, also a folder that cannot be read.
 */
export async function detectFormat(directory: string): Promise<HistoryFormat> {
  const names = await namesIn(directory);
  if (names.includes("migration_lock.toml")) return "prisma";
  for (const name of names) if (await exists(join(directory, name, "migration.sql"))) return "prisma";
  const isSupabase =
    directory.endsWith(join(sep, "supabase", "migrations")) ||
    PROJECT.test(await textOf(join(dirname(directory), "config.toml")));
  if (!isSupabase) return "native";
  for (const name of names.filter((file) => file.endsWith(".sql"))) {
    if (UP.test(await readFile(join(directory, name), "utf8"))) return "native";
  }
  return "supabase";
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch {
    // Reading the migrations themselves reports it with a hint.
    return [];
  }
}

/** Empty when it cannot be read. */
async function textOf(path: string): Promise<string> {
  return (await exists(path)) ? readFile(path, "utf8") : "";
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    // Not there, or not to be looked at: then it tells nothing about the format.
    return false;
  }
}
