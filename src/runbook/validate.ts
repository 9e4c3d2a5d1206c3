import type * as z from "zod";
import { coerceScalars } from "./coerce.ts";
import type { Mistakes, Path } from "./diagnostic.ts";
import { describeIssue } from "./issue-text.ts";
import { SchemaView } from "./schema-view.ts";
import { toValue, treeAt, type MapTree, type Tree } from "./tree.ts";

/** Each pass settles one level of alternatives; more are not nested in any sensible schema. */
const MAX_PASSES = 20;

/**
 * Checks the part of a document below `path`; keys in `hidden` are not shown to the schema. Unquoted scalars
 * are read as the type that the schema wants, which changes the tree. An absent part counts as {}.
 */
export function validate(
  root: Tree,
  path: Path,
  schema: z.ZodType,
  mistakes: Mistakes,
  hidden: readonly string[] = [],
): void {
  const tree = visible(treeAt(root, path), root, hidden);
  let result = schema.safeParse(toValue(tree));
  for (let pass = 0; !result.success && pass < MAX_PASSES; pass++) {
    if (!coerceScalars(tree, result.error.issues)) break;
    result = schema.safeParse(toValue(tree));
  }
  if (result.success) return;
  const view = SchemaView.of(schema);
  for (const issue of result.error.issues) {
    for (const mistake of describeIssue(issue, { root, base: path, view })) mistakes.add(mistake);
  }
}

function visible(tree: Tree | undefined, root: Tree, hidden: readonly string[]): Tree {
  if (tree === undefined) return { type: "map", at: root.at, entries: new Map() } satisfies MapTree;
  if (tree.type !== "map" || hidden.length === 0) return tree;
  return { ...tree, entries: new Map([...tree.entries].filter(([key]) => !hidden.includes(key))) };
}
