import type * as z from "zod";
import { asNumber } from "./scalar.ts";
import { treeAt, type ScalarTree, type Tree } from "./tree.ts";
import type { Path } from "./diagnostic.ts";

type Issue = z.core.$ZodIssue;

/**
 * Reads unquoted scalars as what the schema asked for: text where it wanted text, a number where it wanted a
 * number. True when anything changed. A scalar changes at most once, so that repeating this comes to an end.
 */
export function coerceScalars(tree: Tree, issues: readonly Issue[]): boolean {
  let changed = false;
  for (const issue of issues) {
    const applied = coercions(tree, issue, []) ?? [];
    for (const apply of applied) {
      apply();
      changed = true;
    }
  }
  return changed;
}

/** What would settle the issue; undefined when reading scalars differently cannot. */
function coercions(tree: Tree, issue: Issue, base: Path): (() => void)[] | undefined {
  const path = [...base, ...(issue.path as (string | number)[])];
  if (issue.code === "invalid_union") return bestBranch(tree, issue.errors, path);
  const scalar = treeAt(tree, path);
  if (scalar?.type !== "scalar" || scalar.plain === undefined || scalar.value === null) return undefined;
  const value = wantedValue(issue, scalar, scalar.plain);
  if (value === undefined || value === scalar.value) return undefined;
  return [
    () => {
      scalar.value = value;
      delete scalar.plain;
    },
  ];
}

function wantedValue(issue: Issue, scalar: ScalarTree, plain: string): string | number | undefined {
  if (issue.code === "invalid_type") {
    if (issue.expected === "string") return plain;
    return issue.expected === "number" || issue.expected === "int" ? asNumber(plain) : undefined;
  }
  if (issue.code !== "invalid_value") return undefined;
  if (typeof scalar.value !== "string" && issue.values.includes(plain)) return plain;
  const number = asNumber(plain);
  return number !== undefined && issue.values.includes(number) ? number : undefined;
}

/** Of the alternatives that scalars alone keep from fitting, the one that needs the fewest changes. */
function bestBranch(
  tree: Tree,
  branches: readonly (readonly Issue[])[],
  path: Path,
): (() => void)[] | undefined {
  let best: (() => void)[] | undefined;
  for (const issues of branches) {
    const each = issues.map((issue) => coercions(tree, issue, path));
    if (each.length === 0 || each.includes(undefined)) continue;
    const all = each.flatMap((changes) => changes ?? []);
    if (best === undefined || all.length < best.length) best = all;
  }
  return best;
}
