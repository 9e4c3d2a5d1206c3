import type { ColumnDef, Constraint, Node, TypeName } from "libpg-query";
import { integerOf, textsOf, treeOf } from "../../sql/tree.ts";
import type { Column, ColumnType } from "./catalog.ts";

const SERIALS: Readonly<Record<string, string>> = {
  serial: "int4",
  serial4: "int4",
  bigserial: "int8",
  serial8: "int8",
  smallserial: "int2",
  serial2: "int2",
};

/** A column as its definition makes it. */
export function columnOf(definition: ColumnDef, madeIn: number): Column {
  const kinds = (definition.constraints ?? []).map((node) => treeOf(node, "Constraint")?.contype);
  const written = typeOf(definition.typeName);
  const serial = SERIALS[written.name];
  const initial = inline(definition, "CONSTR_DEFAULT")?.raw_expr;
  return {
    name: definition.colname ?? "",
    type: serial === undefined ? written : { ...written, name: serial },
    notNull:
      serial !== undefined ||
      kinds.some(
        (kind) => kind === "CONSTR_NOTNULL" || kind === "CONSTR_PRIMARY" || kind === "CONSTR_IDENTITY",
      ),
    hasDefault:
      serial !== undefined || kinds.some((kind) => kind === "CONSTR_DEFAULT" || kind === "CONSTR_IDENTITY"),
    isGenerated: kinds.includes("CONSTR_GENERATED"),
    definition,
    ...(initial === undefined ? {} : { default: initial }),
    isNumbered: serial !== undefined || kinds.includes("CONSTR_IDENTITY"),
    isTuned: definition.storage_name !== undefined || definition.compression !== undefined,
    formerNames: [],
    madeIn,
  };
}

function inline(definition: ColumnDef, kind: Constraint["contype"]): Constraint | undefined {
  return (definition.constraints ?? [])
    .map((node) => treeOf(node, "Constraint"))
    .find((constraint) => constraint?.contype === kind);
}

/** Whether a column's type is one of the serial pseudo-types. */
export function isSerial(name: TypeName | undefined): boolean {
  return typeOf(name).name in SERIALS;
}

/** A type as the parser has it; serial types are left as written. */
export function typeOf(name: TypeName | undefined): ColumnType {
  const names = textsOf(name?.names).filter((part, index) => index > 0 || part !== "pg_catalog");
  return {
    name: names.join("."),
    modifiers: (name?.typmods ?? []).map((node: Node) => integerOf(node) ?? 0),
    isArray: (name?.arrayBounds ?? []).length > 0,
  };
}
