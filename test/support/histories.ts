import { readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { HistoryFormat } from "../../src/postgres/migrations/migration.ts";

const SOURCES = new URL("../fixtures/histories/", import.meta.url);
const DAY_MS = 24 * 60 * 60 * 1000;
const FIRST = Date.UTC(2024, 0, 8, 9, 30);

/** One migration of the shop's history, as its source file has it. */
export interface HistoryEntry {
  /** 14 digits, one day apart. */
  version: string;
  name: string;
  up: string;
  /** Undefined in the Prisma history. */
  down?: string;
}

/**
 * The history of a shop with a CRM: more than a hundred migrations each. Native and Supabase have the same
 * statements (tenants, policies, triggers, views, backfills); Prisma's tells the same product in Prisma's own shape.
 */
export function historyEntries(format: HistoryFormat): HistoryEntry[] {
  const folder = new URL(format === "prisma" ? "prisma/" : "supabase/", SOURCES);
  const text = readdirSync(folder)
    .sort()
    .map((file) => readFileSync(new URL(file, folder), "utf8"))
    .join("\n");
  return text
    .split(/^-- migration: /m)
    .slice(1)
    .map((part, index) => {
      const [, name, body] = /^([^\n]+)\n([\s\S]*)$/.exec(part)!;
      const [up, down] = body!.split(/^-- down\n/m);
      const version = new Date(FIRST + index * DAY_MS).toISOString().replaceAll(/\D/g, "").slice(0, 14);
      return {
        version,
        name: name!,
        up: `${up!.trim()}\n`,
        ...(down === undefined ? {} : { down: `${down.trim()}\n` }),
      };
    });
}

/** What the database must have before the first migration: roles and the auth schema. Only Supabase's statements need it. */
export const historySetup = readFileSync(new URL("setup.sql", SOURCES), "utf8");

/**
 * Writes a history below a project folder as its tool keeps it, and answers the folder of migrations. What undoes
 * Supabase's goes to supabase/down.
 */
export async function layOutHistory(
  format: HistoryFormat,
  project: string,
  entries: readonly HistoryEntry[] = historyEntries(format),
): Promise<string> {
  const directory = join(
    project,
    { native: "migrations", supabase: "supabase/migrations", prisma: "prisma/migrations" }[format],
  );
  await mkdir(directory, { recursive: true });
  for (const entry of entries) {
    const path = join(directory, fileOf(format, entry));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, format === "native" ? nativeText(entry) : entry.up);
    if (format === "supabase" && entry.down !== undefined) {
      await mkdir(join(project, "supabase/down"), { recursive: true });
      await writeFile(join(project, "supabase/down", fileOf(format, entry)), entry.down);
    }
  }
  if (format === "supabase") await writeFile(join(project, "supabase/config.toml"), 'project_id = "shop"\n');
  if (format === "prisma")
    await writeFile(join(directory, "migration_lock.toml"), 'provider = "postgresql"\n');
  return directory;
}

/** Path of one migration below the folder of migrations. */
function fileOf(format: HistoryFormat, { version, name }: Pick<HistoryEntry, "version" | "name">): string {
  return format === "prisma" ? `${version}_${name}/migration.sql` : `${version}_${name}.sql`;
}

function nativeText({ up, down }: HistoryEntry): string {
  const mode = /\bconcurrently\b/i.test(up) ? "-- tminus: no-transaction\n" : "";
  return `${mode}-- tminus: up\n${up}${down === undefined ? "" : `-- tminus: down\n${down}`}`;
}
