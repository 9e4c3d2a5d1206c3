/** As much of an OpenAPI 3.1 document as the tests read. */
export interface ServerDocument {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

export interface Operation {
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}

interface Parameter {
  name: string;
  in: "path" | "query" | "header" | "cookie";
  required?: boolean;
  schema: Schema;
}

export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  example?: unknown;
  examples?: unknown[];
  default?: unknown;
  format?: string;
  minLength?: number;
  minimum?: number;
  minItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
}

export function parametersOf(operation: Operation, where: Parameter["in"]): Parameter[] {
  return (operation.parameters ?? []).filter((parameter) => parameter.in === where);
}

/** Every body that the operation takes: of each media type, and of each shape where the shapes are told apart by a word. */
export function bodiesOf(
  document: ServerDocument,
  { requestBody }: Operation,
): { mediaType: string; schema: Schema; label: string }[] {
  return Object.entries(requestBody?.content ?? {}).flatMap(([mediaType, { schema }]) => {
    const type = mediaType === "application/json" ? "" : mediaType;
    const shapes = resolved(document, schema).oneOf ?? resolved(document, schema).anyOf;
    if (shapes === undefined) return [{ mediaType, schema, label: type }];
    return shapes.map((shape) => ({ mediaType, schema: shape, label: `${type}${wordOf(document, shape)}` }));
  });
}

/**
 * A value that fits the schema, with what must be there alone. What `known` has under a property's name, or under that of a
 * shape of the document, is taken first; then the schema's own example.
 */
export async function exampleOf(
  document: ServerDocument,
  schema: Schema,
  known: (name: string) => Promise<unknown>,
): Promise<unknown> {
  const shape = schema.$ref?.split("/").at(-1);
  if (shape !== undefined) {
    const there = await known(shape);
    if (there !== undefined) return there;
  }
  const { oneOf, anyOf, allOf, ...found } = resolved(document, schema);
  const fixed = found.const ?? found.example ?? found.examples?.[0] ?? found.enum?.[0] ?? found.default;
  if (fixed !== undefined) return fixed;
  const choice = oneOf?.[0] ?? anyOf?.[0] ?? allOf?.[0];
  if (choice !== undefined) return exampleOf(document, choice, known);
  switch (Array.isArray(found.type) ? found.type[0] : found.type) {
    case "object": {
      const entries: [string, unknown][] = [];
      for (const name of found.required ?? []) {
        const property = found.properties![name]!;
        const words = property.enum ?? property.const;
        const there = words === undefined ? await known(name) : undefined;
        entries.push([name, there ?? (await exampleOf(document, property, known))]);
      }
      return Object.fromEntries(entries);
    }
    case "array": {
      const items: unknown[] = [];
      for (let n = 0; n < (found.minItems ?? 1) && found.items !== undefined; n++)
        items.push(await exampleOf(document, found.items, known));
      return items;
    }
    case "integer":
    case "number":
      return found.minimum ?? 1;
    case "boolean":
      return false;
    case "null":
      return null;
    default:
      return textLike(found);
  }
}

function textLike({ format, minLength = 1 }: Schema): string {
  if (format === "email") return "someone@example.com";
  if (format === "date-time") return "2026-12-01T10:00:00.000Z";
  return "an example of a text ".padEnd(minLength, "x").trim();
}

function resolved(document: ServerDocument, schema: Schema): Schema {
  return schema.$ref === undefined
    ? schema
    : resolved(document, document.components.schemas[schema.$ref.split("/").at(-1)!]!);
}

/** "kind=hold": the word that tells the shape from the others. */
function wordOf(document: ServerDocument, shape: Schema): string {
  const { properties = {} } = resolved(document, shape);
  const [name, property] =
    Object.entries(properties).find(
      ([, one]) => (one.enum?.length ?? (one.const === undefined ? 0 : 1)) === 1,
    ) ?? [];
  return name === undefined ? "" : `${name}=${String(property!.enum?.[0] ?? property!.const)}`;
}
