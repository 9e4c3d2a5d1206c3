import type { Json } from "../model/json.ts";

/** Placeholders that `with` may hold. `previous` is the release that is live while planning. */
export const stepPlaceholders = ["release", "environment", "project", "previous"] as const;
/** Placeholders that `target` may hold. */
export const targetPlaceholders = ["release", "environment", "project"] as const;

export type Placeholder = (typeof stepPlaceholders)[number];

/**
 * A word in single braces. Not one: "${name}" and "%{name}" of other tools, "{{name}}", and "\{name}", which
 * is how a word in braces is written when it is meant as it stands.
 */
const PLACEHOLDER = /(\\?)(?<![${%])\{([A-Za-z][A-Za-z0-9_-]*)\}(?!\})/g;

/** The names in a text that look like placeholders. */
export function placeholdersIn(text: string): string[] {
  return [...text.matchAll(PLACEHOLDER)].flatMap(([, escape, name]) => (escape === "" ? [name!] : []));
}

/**
 * Replaces placeholders in every string of a value; names without a value stay. Keys are left alone, and
 * what was put in is not looked at again.
 */
export function fillPlaceholders(value: Json, values: Partial<Record<Placeholder, string>>): Json {
  if (typeof value === "string") {
    return value.replaceAll(PLACEHOLDER, (whole, escape: string, name: string) => {
      if (escape !== "") return `{${name}}`;
      return Object.hasOwn(values, name) ? (values[name as Placeholder] ?? whole) : whole;
    });
  }
  if (Array.isArray(value)) return value.map((item) => fillPlaceholders(item, values));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, fillPlaceholders(item, values)]),
  );
}
