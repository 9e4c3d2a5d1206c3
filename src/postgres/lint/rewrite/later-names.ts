import type { LintContext, LintStatement } from "../define-rule.ts";

/**
 * Why a statement cannot be moved behind those that come after it, in its file or in one that runs before what is moved: one
 * of them names the same thing.
 * `name`: of a table or column, without its schema. Undefined when it can be moved.
 */
export function laterNames(
  name: string,
  { index }: LintStatement,
  { statements, followers }: Pick<LintContext, "statements" | "followers">,
): string | undefined {
  const later = statements.find((other) => other.index > index && says(other.node, name));
  if (later === undefined) {
    if (!followers.some(({ node }) => says(node, name))) return undefined;
    return `A later statement of the deploy names ${name}, too, and would run before: deploy it after this one.`;
  }
  return `A later statement of the file (line ${later.line}) names ${name}, too, and would run before: put it into a file of its own.`;
}

function says(value: unknown, name: string): boolean {
  if (value === name) return true;
  if (Array.isArray(value)) return value.some((item) => says(item, name));
  return typeof value === "object" && value !== null && Object.values(value).some((item) => says(item, name));
}
