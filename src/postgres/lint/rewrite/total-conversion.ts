import type { Node } from "libpg-query";
import { textsOf, walk } from "../../sql/tree.ts";
import type { ColumnType } from "../catalog/catalog.ts";

const TEXTS = ["text", "varchar"];
/** Assignments that have a value for everything: https://www.postgresql.org/docs/18/sql-createcast.html and \dC. */
const TOTAL: Readonly<Record<string, readonly string[]>> = {
  int2: ["int4", "int8", "numeric", "float4", "float8", ...TEXTS],
  int4: ["int8", "numeric", "float8", ...TEXTS],
  int8: ["numeric", "float8", ...TEXTS],
  numeric: ["numeric", ...TEXTS],
  float4: ["float8", ...TEXTS],
  float8: TEXTS,
  bool: TEXTS,
  uuid: TEXTS,
  date: ["timestamp"],
  json: TEXTS,
  jsonb: ["json", ...TEXTS],
  varchar: ["citext", ...TEXTS],
  text: ["citext", ...TEXTS],
  citext: TEXTS,
};
const DATES = new Set(["date", "time", "timetz", "timestamp", "timestamptz", "interval"]);

/** Whether every value of a type can be assigned to a column of another one. */
export function isTotalCast(from: ColumnType, to: ColumnType): boolean {
  if (from.isArray || to.isArray) return false;
  if (from.name === "numeric" && to.name === "numeric") return isWiderNumeric(from, to);
  return to.modifiers.length === 0 && (TOTAL[from.name] ?? []).includes(to.name);
}

/** Whether the text of a value depends on settings: of dates and times. */
export function readsSettings(from: ColumnType, to: ColumnType): boolean {
  return DATES.has(from.name) !== DATES.has(to.name);
}

function isWiderNumeric(from: ColumnType, to: ColumnType): boolean {
  if (to.modifiers.length === 0) return true;
  const [precision = Infinity, scale = 0] = from.modifiers;
  const [wanted = 0, wantedScale = 0] = to.modifiers;
  return wantedScale >= scale && wanted - wantedScale >= precision - scale;
}

const CALLS = new Set([
  "lower",
  "upper",
  "btrim",
  "ltrim",
  "rtrim",
  "initcap",
  "concat",
  "length",
  "char_length",
]);
const CASTS = new Set(["text", "varchar"]);
const KINDS = new Set([
  "ColumnRef",
  "A_Const",
  "FuncCall",
  "TypeCast",
  "TypeName",
  "CoalesceExpr",
  "CaseExpr",
  "CaseWhen",
  "NullTest",
  "BoolExpr",
  "A_Expr",
  "String",
  "Integer",
]);
const OPERATORS = new Set(["=", "<>", "<", ">", "<=", ">=", "||"]);

/** Whether an expression has a value for everything: only what can end with no error is in it. */
export function isTotalExpression(expression: Node): boolean {
  let isTotal = true;
  walk({ expression }, (kind, fields) => {
    const last = (names: unknown): string => textsOf(names as Node[] | undefined).at(-1) ?? "";
    const isKnown =
      KINDS.has(kind) &&
      (kind !== "FuncCall" || CALLS.has(last(fields.funcname))) &&
      (kind !== "TypeCast" || CASTS.has(last((fields.typeName as { names?: Node[] } | undefined)?.names))) &&
      (kind !== "A_Expr" || fields.kind === "AEXPR_NULLIF" || OPERATORS.has(last(fields.name)));
    if (!isKnown) isTotal = false;
  });
  return isTotal;
}
