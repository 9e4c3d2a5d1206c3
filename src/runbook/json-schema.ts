import type * as z from "zod";
import { runbookSchema, type RunbookKinds } from "../model/runbook.ts";
import { inputJsonSchema } from "./schema-view.ts";

type Node = Record<string, unknown>;

/**
 * JSON Schema 2020-12 of the whole file, for editors. What depends on a kind is chosen by if/then on `kind`.
 * Text where the parser would read an unquoted number as text is not distinguished: editors ask for quotes.
 */
export function runbookJsonSchema(kinds: RunbookKinds): Node {
  const { $schema, ...root } = inputJsonSchema(runbookSchema);
  const definitions: Node = { ...(root.$defs as Node | undefined) };
  const schema: Node = {
    $schema,
    title: "tminus.yaml",
    description: "A deployment runbook, version 1",
    ...root,
    $defs: definitions,
  };
  const stage = items(property(schema, "stages"));
  chooseByKind(items(property(stage, "steps")), "step", kinds.steps, definitions, true);
  chooseByKind(items(property(schema, "gates")), "gate", kinds.gates, definitions, true);
  chooseByKind(items(property(schema, "notify")), "channel", kinds.channels, definitions, false);
  const environment = property(schema, "environments").additionalProperties as Node;
  chooseByKind(property(environment, "target"), "target", kinds.targets, definitions, false);
  const source = property(environment, "signals").additionalProperties as Node;
  chooseByKind(source, "signal", kinds.signals, definitions, false);
  chooseByKind(property(schema, "scm"), "scm", kinds.scms, definitions, false);
  return schema;
}

/** Makes `node` accept only the kinds given, each with its own settings under `with` or beside `kind`. */
function chooseByKind(
  node: Node,
  noun: string,
  schemas: Readonly<Record<string, z.ZodType>>,
  definitions: Node,
  inWith: boolean,
): void {
  const properties = node.properties as Node;
  properties.kind = { ...(properties.kind as Node), enum: Object.keys(schemas) };
  node.allOf = Object.entries(schemas).map(([kind, schema]) => {
    const name = `${noun}.${kind}`;
    const own = hoist(inputJsonSchema(schema), name);
    definitions[name] = inWith ? own : withCommonKeys(own, properties);
    const reference = { $ref: `#/$defs/${name}` };
    const required = Array.isArray(own.required) && own.required.length > 0;
    return {
      if: { properties: { kind: { const: kind } }, required: ["kind"] },
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema; nothing awaits it
      then: inWith
        ? { properties: { with: reference }, ...(required ? { required: ["with"] } : {}) }
        : reference,
    };
  });
}

/** A strict schema that does not name `kind` or `id` would refuse them. */
function withCommonKeys(own: Node, common: Node): Node {
  if (typeof own.properties !== "object") return own;
  return { ...own, properties: { ...common, ...own.properties } };
}

/** A schema made to stand under #/$defs/<name>: references to its own root and parts are moved there. */
function hoist(schema: Node, name: string): Node {
  const { $schema: _, ...rest } = schema;
  return moveReferences(rest, `#/$defs/${name}`) as Node;
}

function moveReferences(value: unknown, prefix: string): unknown {
  if (Array.isArray(value)) return value.map((item) => moveReferences(item, prefix));
  if (typeof value !== "object" || value === null) return value;
  const moved = Object.entries(value).map(([key, item]) => {
    const isReference = key === "$ref" && typeof item === "string" && item.startsWith("#");
    return [key, isReference ? `${prefix}${item.slice(1)}` : moveReferences(item, prefix)];
  });
  return Object.fromEntries(moved) as unknown;
}

function property(node: Node, name: string): Node {
  return (node.properties as Record<string, Node>)[name]!;
}

function items(node: Node): Node {
  return node.items as Node;
}
