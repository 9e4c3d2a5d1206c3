import { query } from "jsonpath-rfc9535";
import parse from "jsonpath-rfc9535/parser";

/** Functions of RFC 9535 that hand a pattern to the regular expression engine, where one pattern can run for hours. */
const PATTERN_FUNCTIONS = new Set(["match", "search"]);

/** Why this is not a JSONPath that may be used; undefined when it may. */
export function jsonPathProblem(path: string): string | undefined {
  let tree: unknown;
  try {
    tree = parse(path);
  } catch (error) {
    // Only the parser's word for what is wrong is wanted; the caller reports it.
    return error instanceof Error ? error.message : String(error);
  }
  const used = functionsIn(tree).find((name) => PATTERN_FUNCTIONS.has(name));
  return used === undefined ? undefined : `${used}() is not supported`;
}

/** Every value that the path selects. The path must be one that jsonPathProblem has nothing against. */
export function selectJson<Json>(document: Json, path: string): Json[] {
  return query(document as Parameters<typeof query>[0], path) as Json[];
}

function functionsIn(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(functionsIn);
  if (typeof node !== "object" || node === null) return [];
  const own = "type" in node && node.type === "FunctionExpr" && "name" in node ? [String(node.name)] : [];
  return [...own, ...Object.values(node).flatMap(functionsIn)];
}
