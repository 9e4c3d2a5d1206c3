import type { Node, RangeVar } from "libpg-query";

/** A relation as a statement names it, unquoted; without a schema the search path decides. */
export interface RelationName {
  schema?: string;
  name: string;
}

export function relationOf({ schemaname, relname = "" }: RangeVar): RelationName {
  return schemaname === undefined ? { name: relname } : { schema: schemaname, name: relname };
}

/** The name in a list of strings: [schema, name] or [name], also of an object with arguments or a type. */
export function nameIn(node: Node | undefined): RelationName | undefined {
  if (node === undefined) return undefined;
  if ("List" in node) return joined(node.List.items);
  if ("String" in node) return { name: node.String.sval ?? "" };
  if ("ObjectWithArgs" in node) return joined(node.ObjectWithArgs.objname);
  if ("TypeName" in node) return joined(node.TypeName.names);
  return undefined;
}

export function joined(parts: readonly Node[] | undefined): RelationName | undefined {
  const words = (parts ?? []).flatMap((part) => ("String" in part ? [part.String.sval ?? ""] : []));
  const name = words.at(-1);
  if (name === undefined) return undefined;
  const schema = words.at(-2);
  return schema === undefined ? { name } : { schema, name };
}

/** For comparing: the schema public is what a name without schema most often means. */
export function keyOf({ schema, name }: RelationName): string {
  return `${schema ?? "public"}.${name}`;
}

/** For people. */
export function shownName({ schema, name }: RelationName): string {
  return schema === undefined || schema === "public" ? name : `${schema}.${name}`;
}

/** For SQL. */
export function quotedName({ schema, name }: RelationName): string {
  return schema === undefined ? quoted(name) : `${quoted(schema)}.${quoted(name)}`;
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
