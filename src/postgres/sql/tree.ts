import type { A_Const, Node, RangeVar } from "libpg-query";

/** Name of a node type: "IndexStmt". */
export type NodeKind = Node extends infer One ? (One extends One ? keyof One : never) : never;
/** The fields of a node type. */
export type TreeOf<Kind extends NodeKind> = Extract<Node, Record<Kind, unknown>>[Kind];

/** The fields of a node when it is of this type: `treeOf(statement.node, "IndexStmt")`. */
export function treeOf<Kind extends NodeKind>(node: Node | undefined, kind: Kind): TreeOf<Kind> | undefined {
  if (node === undefined || !(kind in node)) return undefined;
  return (node as unknown as Record<Kind, TreeOf<Kind>>)[kind];
}

/** Texts of a list of String nodes: a qualified name, the columns of a key. */
export function textsOf(nodes: readonly Node[] | undefined): string[] {
  return (nodes ?? []).flatMap((node) => {
    const text = treeOf(node, "String")?.sval;
    return text === undefined ? [] : [text];
  });
}

/** A relation's name as a list, as DROP has it: schema first. */
export function rangeOf(names: readonly string[]): RangeVar {
  const [last, schema] = names.toReversed();
  return { relname: last ?? "", ...(schema === undefined ? {} : { schemaname: schema }) };
}

/** The integer of a constant; 0 has no `ival` in the tree. */
export function integerOf(node: Node | undefined): number | undefined {
  const constant: A_Const | undefined = treeOf(node, "A_Const");
  return constant?.ival === undefined ? undefined : (constant.ival.ival ?? 0);
}

/** Calls `visit` for every node of a tree, parents first. Lists and plain values are passed through. */
export function walk(value: unknown, visit: (kind: string, fields: Record<string, unknown>) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const fields = value as Record<string, unknown>;
  for (const key in fields) {
    const inner = fields[key];
    if (typeof inner !== "object" || inner === null) continue;
    if (isNodeKind(key) && !Array.isArray(inner)) visit(key, inner as Record<string, unknown>);
    walk(inner, visit);
  }
}

/** Node types begin with a capital, fields do not. */
function isNodeKind(key: string): boolean {
  const first = key.charCodeAt(0);
  return first >= 65 && first <= 90;
}

/** The columns that an expression names, without their tables. */
export function columnsIn(value: unknown): string[] {
  const names = new Set<string>();
  walk(value, (kind, fields) => {
    if (kind !== "ColumnRef") return;
    const last = textsOf(fields.fields as Node[]).at(-1);
    if (last !== undefined) names.add(last);
  });
  return [...names];
}

/** The functions that an expression calls: last part of the name, lower case. */
export function callsIn(value: unknown): string[] {
  const names = new Set<string>();
  walk(value, (kind, fields) => {
    if (kind === "FuncCall")
      names.add(
        textsOf(fields.funcname as Node[])
          .at(-1)
          ?.toLowerCase() ?? "",
      );
  });
  return [...names];
}
