import type { BackupManifest } from "./manifest.ts";

/** "8 tables, 2,005 rows, 1.4 MB", and by which program unless it is our own. */
export function describeBackup({ tables, schema, script, archive }: BackupManifest): string {
  const rows = tables.reduce((sum, { content }) => sum + content.rows, 0);
  const files = [schema, script, ...(archive?.files ?? []), ...tables.flatMap(({ parts }) => parts)];
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return `${count(tables.length, "table")}, ${count(rows, "row")}, ${(bytes / 1024 ** 2).toFixed(1)} MB${archive === undefined ? "" : ` by pg_dump ${archive.version}`}`;
}

/** "1 table", "2,005 rows". */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
