import pg from "pg";

export type SqlValue = string | number | boolean | null | string[];

/** A value as it stands in SQL text, for messages of several statements, which take no parameters. */
export function literal(value: SqlValue): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `array[${value.map((item) => pg.escapeLiteral(item)).join(", ")}]::text[]`;
  return typeof value === "string" ? pg.escapeLiteral(value) : String(value);
}
