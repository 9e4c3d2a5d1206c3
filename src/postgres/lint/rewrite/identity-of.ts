import { expressionOf } from "./sql-of.ts";

/** A name as the drift fingerprint has it: in quotes only where SQL needs them. */
export function identityOf(...names: readonly string[]): string {
  return names.map((name) => expressionOf({ ColumnRef: { fields: [{ String: { sval: name } }] } })).join(".");
}
