import pg from "pg";

/** A value as it stands in SQL text, for messages of several statements, which take no parameters. */
export function literal(value: string | number | boolean | null): string {
  if (value === null) return "null";
  return typeof value === "string" ? pg.escapeLiteral(value) : String(value);
}
