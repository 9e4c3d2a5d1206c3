import * as z from "zod";
import type { Path } from "./diagnostic.ts";

type JsonSchemaNode = { readonly [key: string]: unknown };

const MAX_STEPS = 200;
const views = new WeakMap<z.ZodType, SchemaView>();

/** Answers which keys and which words a schema allows at a place, for hints. */
export class SchemaView {
  readonly #root: JsonSchemaNode;

  constructor(root: JsonSchemaNode) {
    this.#root = root;
  }

  /** The view of a zod schema; made once for each. */
  static of(schema: z.ZodType): SchemaView {
    const known = views.get(schema);
    if (known !== undefined) return known;
    const view = new SchemaView(inputJsonSchema(schema));
    views.set(schema, view);
    return view;
  }

  /** Names of the keys that a mapping at this place may have, over all alternatives. */
  keysAt(path: Path): string[] {
    return unique(this.#at(path).flatMap((node) => Object.keys(record(node.properties))));
  }

  /** The words that a value at this place may be, when the schema lists them. */
  wordsAt(path: Path): string[] {
    const words = this.#at(path).flatMap((node) => [
      ...list(node.enum),
      ...("const" in node ? [node.const] : []),
    ]);
    return unique(words.filter((word) => typeof word === "string"));
  }

  #at(path: Path): JsonSchemaNode[] {
    let nodes = this.#alternatives(this.#root);
    for (const part of path) {
      nodes = nodes.flatMap((node) => childrenOf(node, part)).flatMap((node) => this.#alternatives(node));
      if (nodes.length > MAX_STEPS) return [];
    }
    return nodes;
  }

  /** The schema without references and unions. Bounded, because references may go in circles. */
  #alternatives(root: JsonSchemaNode): JsonSchemaNode[] {
    const found: JsonSchemaNode[] = [];
    const waiting = [root];
    for (let steps = 0; waiting.length > 0 && steps < MAX_STEPS; steps++) {
      const node = waiting.pop()!;
      found.push(node);
      for (const key of ["anyOf", "oneOf", "allOf"]) waiting.push(...list(node[key]).map(record));
      if (typeof node.$ref === "string") waiting.push(this.#resolve(node.$ref));
    }
    return found;
  }

  #resolve(reference: string): JsonSchemaNode {
    let node: JsonSchemaNode = this.#root;
    for (const part of reference.split("/").slice(1)) node = record(node[part]);
    return node;
  }
}

/** JSON Schema 2020-12 of what may be written. What zod cannot express there is left open. */
export function inputJsonSchema(schema: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
}

function childrenOf(node: JsonSchemaNode, part: string | number): JsonSchemaNode[] {
  if (typeof part === "number") return [record(list(node.prefixItems)[part] ?? node.items)];
  const properties = record(node.properties);
  if (Object.hasOwn(properties, part)) return [record(properties[part])];
  return [record(node.additionalProperties)];
}

function record(value: unknown): JsonSchemaNode {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as JsonSchemaNode)
    : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function unique(words: string[]): string[] {
  return [...new Set(words)];
}
