import * as z from "zod";
import { PHASES } from "./catalog.ts";

/** An object of the schema as it is kept in schema.json. */
export const backupObjectSchema = z.strictObject({
  key: z.string().min(1).describe("What the database calls it: table public.users"),
  phase: z.enum(PHASES),
  sql: z.array(z.string()).describe("The statements that make it"),
  group: z.string().optional().describe("Indexes of one group are built one after another"),
});

export type BackupObject = z.output<typeof backupObjectSchema>;

/** The schema for people and for psql; the rows go in before the indexes. */
export function schemaScript(objects: readonly BackupObject[]): string {
  const lines = [
    "-- Made by tminus. tminus db restore reads schema.json; this file is for people.",
    "SET check_function_bodies = off;",
    "SELECT set_config('search_path', '', false);",
  ];
  for (const { key, sql } of objects) {
    lines.push("", `-- ${key.replaceAll(/[\r\n]/g, " ")}`, ...sql.map((statement) => `${statement};`));
  }
  return `${lines.join("\n")}\n`;
}
