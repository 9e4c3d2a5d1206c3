import type { Node } from "libpg-query";
import { columnsIn, treeOf } from "../../sql/tree.ts";
import type { ColumnType } from "../catalog/catalog.ts";

/** What ALTER COLUMN TYPE does to the rows that are there. */
export type ChangeOfType =
  /** Only the catalog changes. */
  | "metadata"
  /** Only the catalog changes when the session's time zone is UTC; otherwise all rows are written again. */
  | "metadata-at-utc"
  | "rewrite"
  /** All rows are read, or written again, and values that do not fit end it with an error. */
  | "narrowing";

const INTEGERS = ["int2", "int4", "int8"];
/** Binary coercible, so that nothing is written: https://www.postgresql.org/docs/18/sql-altertable.html (Notes). */
const SAME_BYTES: readonly (readonly [string, string])[] = [
  ["varchar", "text"],
  ["text", "varchar"],
  ["cidr", "inet"],
  ["xml", "text"],
  ["citext", "text"],
  ["citext", "varchar"],
];

/** `using` is the expression behind USING. */
export function changeOfType(
  from: ColumnType,
  to: ColumnType,
  using: Node | undefined,
  column: string,
): ChangeOfType {
  if (using !== undefined && !isPlainUsing(using, column)) return "rewrite";
  if (from.isArray !== to.isArray) return "rewrite";
  if (from.name === to.name) return sameName(from, to);
  const [before, after] = [INTEGERS.indexOf(from.name), INTEGERS.indexOf(to.name)];
  if (before > after && after !== -1) return "narrowing";
  if (SAME_BYTES.some(([one, other]) => one === from.name && other === to.name)) {
    return to.modifiers.length > 0 ? limited(from, to) : "metadata";
  }
  if (isTimestamp(from) && isTimestamp(to)) return "metadata-at-utc";
  return "rewrite";
}

/** text → varchar(n) reads every value; varchar(m) → varchar(n) only when it shrinks. */
function limited(from: ColumnType, to: ColumnType): ChangeOfType {
  const [limit = Infinity] = from.modifiers;
  return limit <= to.modifiers[0]! ? "metadata" : "narrowing";
}

function sameName(from: ColumnType, to: ColumnType): ChangeOfType {
  if (from.modifiers.join() === to.modifiers.join()) return "metadata";
  if (to.modifiers.length === 0) return from.name === "bpchar" ? "rewrite" : "metadata";
  switch (from.name) {
    case "varchar":
    case "varbit":
      return limited(from, to);
    case "numeric": {
      const [precision = Infinity, scale = 0] = from.modifiers;
      const [wanted = 0, wantedScale = 0] = to.modifiers;
      if (from.modifiers.length > 0 && wantedScale === scale && wanted >= precision) return "metadata";
      return wanted - wantedScale >= precision - scale && wantedScale >= scale ? "rewrite" : "narrowing";
    }
    case "timestamp":
    case "timestamptz":
    case "time":
    case "timetz":
    case "interval":
      return (from.modifiers[0] ?? 6) <= (to.modifiers[0] ?? 6) ? "metadata" : "narrowing";
    default:
      return (from.modifiers[0] ?? Infinity) > (to.modifiers[0] ?? Infinity) ? "narrowing" : "rewrite";
  }
}

function isTimestamp({ name, modifiers }: ColumnType): boolean {
  return (name === "timestamp" || name === "timestamptz") && modifiers.length === 0;
}

/** The column itself, or a cast of it: what ALTER COLUMN TYPE would do without USING. */
export function isPlainUsing(using: Node, column: string): boolean {
  const inner = treeOf(using, "TypeCast")?.arg ?? using;
  return treeOf(inner, "ColumnRef") !== undefined && columnsIn(inner).join() === column;
}
