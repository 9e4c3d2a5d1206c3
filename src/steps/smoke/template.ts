import type { Json } from "../../model/json.ts";

/** Values that requests may use: "${capture.token}", "${variable.API_KEY}", "${random}". */
export interface TemplateValues {
  /** What earlier checks captured, by name. */
  captures: ReadonlyMap<string, Json>;
  /** The environment's variables. */
  variables: Readonly<Record<string, string>>;
  /** The same for all checks of one execution; for names that must be new each time. */
  random: string;
}

export type Filled<T> = { ok: true; value: T } | { ok: false; missing: string };

const PLACEHOLDER = /\$\{([^{}]*)\}/g;
const KNOWN = /^(random|capture\.[A-Za-z][A-Za-z0-9_-]*|variable\.[A-Za-z_][A-Za-z0-9_]*)$/;

/** The names between "${" and "}" in all strings of a value: "capture.token". */
export function namesIn(value: Json): string[] {
  if (typeof value === "string") return [...value.matchAll(PLACEHOLDER)].map((match) => match[1] ?? "");
  if (Array.isArray(value)) return value.flatMap(namesIn);
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(namesIn);
  return [];
}

/** Whether a name is one that can have a value at all. */
export function isKnownName(name: string): boolean {
  return KNOWN.test(name);
}

/** Puts the values in. `encode` is applied to each value: encodeURIComponent in a path. */
export function fillText(
  text: string,
  values: TemplateValues,
  encode: (value: string) => string = (value) => value,
): Filled<string> {
  const missing = namesIn(text).find((name) => valueOf(name, values) === undefined);
  if (missing !== undefined) return { ok: false, missing };
  return {
    ok: true,
    value: text.replaceAll(PLACEHOLDER, (_, name: string) => encode(asText(valueOf(name, values) ?? ""))),
  };
}

/** Same for every string inside a JSON value; a string that is one placeholder takes the value as it is. */
export function fillJson(value: Json, values: TemplateValues): Filled<Json> {
  const missing = namesIn(value).find((name) => valueOf(name, values) === undefined);
  return missing === undefined ? { ok: true, value: fillDeep(value, values) } : { ok: false, missing };
}

function fillDeep(value: Json, values: TemplateValues): Json {
  if (Array.isArray(value)) return value.map((item) => fillDeep(item, values));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillDeep(item, values)]));
  }
  if (typeof value !== "string") return value;
  const whole = /^\$\{([^{}]*)\}$/.exec(value)?.[1];
  const single = whole === undefined ? undefined : valueOf(whole, values);
  if (single !== undefined) return single;
  return value.replaceAll(PLACEHOLDER, (_, name: string) => asText(valueOf(name, values) ?? ""));
}

function valueOf(name: string, values: TemplateValues): Json | undefined {
  if (name === "random") return values.random;
  const [kind, key = ""] = name.split(".");
  if (kind === "capture") return values.captures.get(key);
  return Object.hasOwn(values.variables, key) ? values.variables[key] : undefined;
}

function asText(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
