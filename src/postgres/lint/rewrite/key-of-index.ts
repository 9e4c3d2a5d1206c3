import type { Constraint } from "libpg-query";
import { named, relationNamed } from "./names-in-sql.ts";

/** Makes a unique constraint or a primary key of an index that is there: "table" is a key of the catalog. */
export function keyOfIndex(
  table: string,
  { contype, deferrable, initdeferred }: Constraint,
  name: string,
  index: string,
): string {
  const kind = contype === "CONSTR_PRIMARY" ? "primary key" : "unique";
  const when = `${deferrable === true ? " deferrable" : ""}${initdeferred === true ? " initially deferred" : ""}`;
  return `alter table ${relationNamed(table)} add constraint ${named(name)} ${kind} using index ${named(index)}${when};`;
}
