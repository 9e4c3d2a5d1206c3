import type { Node, PartitionBoundSpec } from "libpg-query";
import { quoted } from "../../sql/names.ts";
import { treeOf } from "../../sql/tree.ts";
import type { PartitionKey } from "../catalog/catalog.ts";
import { literal } from "./literal.ts";

/**
 * The bounds of a partition as a condition of which PostgreSQL knows that it proves them, so that it reads no row.
 * Undefined where that is not certain: keys of several columns or of expressions, hash, default, bounds that are no
 * plain constants.
 */
export function boundsCondition(
  bound: PartitionBoundSpec | undefined,
  key: PartitionKey | undefined,
): string | undefined {
  const [name, ...more] = key?.columns ?? [];
  if (bound === undefined || key === undefined || name === undefined || more.length > 0) return undefined;
  if (bound.is_default === true) return undefined;
  const column = quoted(name);
  if (key.strategy === "list") {
    const values = (bound.listdatums ?? []).map(valueOf);
    if (values.length === 0 || values.includes(undefined)) return undefined;
    return `${column} is not null and ${column} in (${values.join(", ")})`;
  }
  const [from, to] = [bound.lowerdatums?.[0], bound.upperdatums?.[0]];
  if (key.strategy !== "range" || from === undefined || to === undefined) return undefined;
  const low = isLimit(from, "minvalue") ? "" : valueOf(from);
  const high = isLimit(to, "maxvalue") ? "" : valueOf(to);
  if (low === undefined || high === undefined) return undefined;
  return [
    `${column} is not null`,
    ...(low === "" ? [] : [`${column} >= ${low}`]),
    ...(high === "" ? [] : [`${column} < ${high}`]),
  ].join(" and ");
}

/** In quotes, so that it takes the type of the column. */
function valueOf(node: Node): string | undefined {
  const constant = treeOf(node, "A_Const");
  if (constant?.sval !== undefined) return literal(constant.sval.sval ?? "");
  if (constant?.ival !== undefined) return literal(String(constant.ival.ival ?? 0));
  if (constant?.fval !== undefined) return literal(constant.fval.fval ?? "0");
  return undefined;
}

function isLimit(node: Node, name: string): boolean {
  const field = treeOf(treeOf(node, "ColumnRef")?.fields?.[0], "String")?.sval;
  return field?.toLowerCase() === name;
}
