import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { runbookJsonSchema } from "../../src/runbook/json-schema.ts";
import { kinds } from "./sample-kinds.ts";

type Node = Record<string, unknown>;
const schema = runbookJsonSchema(kinds);
const shop: unknown = parse(readFileSync(new URL("golden/shop.yaml", import.meta.url), "utf8"));

/** The keywords of JSON Schema 2020-12 that the schema uses; an unknown one makes the test fail. */
function accepts(node: unknown, value: unknown): boolean {
  if (typeof node === "boolean") return node;
  return Object.entries(node as Node).every(([keyword, rule]) => check(keyword, rule, value, node as Node));
}

function check(keyword: string, rule: unknown, value: unknown, node: Node): boolean {
  const object =
    typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Node) : undefined;
  switch (keyword) {
    case "$schema":
    case "$defs":
    case "title":
    case "description":
    case "default":
    case "format":
    case "then":
      return true;
    case "$ref":
      return accepts(lookUp(String(rule)), value);
    case "type":
      return typeOf(value) === rule || (rule === "number" && typeOf(value) === "integer");
    case "const":
      return value === rule;
    case "enum":
      return (rule as unknown[]).includes(value);
    case "pattern":
      return typeof value !== "string" || new RegExp(String(rule), "u").test(value);
    case "minLength":
      return typeof value !== "string" || value.length >= Number(rule);
    case "maxLength":
      return typeof value !== "string" || value.length <= Number(rule);
    case "minimum":
      return typeof value !== "number" || value >= Number(rule);
    case "maximum":
      return typeof value !== "number" || value <= Number(rule);
    case "minItems":
      return !Array.isArray(value) || value.length >= Number(rule);
    case "maxItems":
      return !Array.isArray(value) || value.length <= Number(rule);
    case "items":
      return !Array.isArray(value) || value.every((item) => accepts(rule, item));
    case "required":
      return object === undefined || (rule as string[]).every((key) => Object.hasOwn(object, key));
    case "propertyNames":
      return object === undefined || Object.keys(object).every((key) => accepts(rule, key));
    case "properties":
      return (
        object === undefined ||
        Object.entries(rule as Node).every(
          ([key, sub]) => !Object.hasOwn(object, key) || accepts(sub, object[key]),
        )
      );
    case "additionalProperties":
      return (
        object === undefined ||
        Object.keys(object)
          .filter((key) => !Object.hasOwn((node.properties ?? {}) as Node, key))
          .every((key) => accepts(rule, object[key]))
      );
    case "anyOf":
      return (rule as unknown[]).some((sub) => accepts(sub, value));
    case "allOf":
      return (rule as unknown[]).every((sub) => accepts(sub, value));
    case "if":
      return !accepts(rule, value) || accepts(node.then, value);
    default:
      throw new Error(`keyword ${keyword} is not known here`);
  }
}

function lookUp(reference: string): unknown {
  return reference
    .split("/")
    .slice(1)
    .reduce<unknown>((node, part) => (node as Node)[part], schema);
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

describe("runbookJsonSchema", () => {
  it("accepts the golden runbook", () => expect(accepts(schema, shop)).toBe(true));

  it.each([
    "07-version-two",
    "10-unknown-key-near",
    "12-wrong-types",
    "15-empty-steps",
    "24-unknown-kinds",
    "30-bad-ids",
    "31-with-unknown-and-missing",
    "33-with-out-of-range",
    "37-bad-enums",
    "39-literal-secrets",
    "63-stage-not-a-mapping",
    "65-local-target-mistakes",
  ])("rejects %s, as the parser does", (name) => {
    const folder = new URL("../fixtures/bad-runbooks/", import.meta.url);
    expect(readdirSync(folder)).toContain(`${name}.yaml`);
    expect(accepts(schema, parse(readFileSync(new URL(`${name}.yaml`, folder), "utf8")))).toBe(false);
  });

  it("describes every field that is not a kind's own business", () => {
    const bare: string[] = [];
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== "object" || node === null) return;
      const { properties } = node as { properties?: Record<string, Node> };
      for (const [key, sub] of Object.entries(properties ?? {}))
        if (sub.description === undefined) bare.push(`${path}.${key}`);
      for (const [key, sub] of Object.entries(node))
        if (!["$defs", "allOf", "if"].includes(key)) walk(sub, `${path}.${key}`);
    };
    walk(schema, "");
    expect(bare).toEqual([]);
  });
});
