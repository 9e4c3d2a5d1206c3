import { parseSync } from "libpg-query";
import { splitStatements } from "../../sql/statements.ts";
import type { LintStatement } from "../define-rule.ts";
import type { LintFile } from "../lint-file.ts";

/**
 * The down statement of each statement, by its number: undefined when the down section has not one for each, in the
 * opposite order. It is not in that order when the names in it fit better the other way round.
 */
export function downsOf(
  { down }: LintFile,
  statements: readonly LintStatement[],
): ReadonlyMap<number, string> | undefined {
  if (down === undefined) return undefined;
  const undone = splitStatements(down)
    .statements.map(({ text }) => text)
    .toReversed();
  if (undone.length !== statements.length) return undefined;
  const done = statements.map(({ node }) => namesIn(node));
  const named = undone.map(parsedNames);
  if (shared(done, named) < shared(done, named.toReversed())) return undefined;
  return new Map(statements.map(({ index }, position) => [index, undone[position]!]));
}

/** Keys of the tree under which a name stands. */
const NAMES: ReadonlySet<string> = new Set([
  "relname",
  "sval",
  "colname",
  "idxname",
  "conname",
  "name",
  "subname",
  "newname",
  "indexname",
]);

function namesIn(tree: unknown): Set<string> {
  const names = new Set<string>();
  JSON.stringify(tree, (key, value: unknown) => {
    if (NAMES.has(key) && typeof value === "string") names.add(value);
    return value;
  });
  return names;
}

/** How many names the two of each pair have in common. */
function shared(done: readonly Set<string>[], undone: readonly (readonly string[])[]): number {
  return undone.flatMap((names, position) => names.filter((name) => done[position]!.has(name))).length;
}

/** None of what cannot be parsed: it would not run either. */
function parsedNames(sql: string): string[] {
  try {
    return [...namesIn(parseSync(sql).stmts)];
  } catch {
    return [];
  }
}
