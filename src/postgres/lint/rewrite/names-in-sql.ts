import { QuoteUtils } from "pgsql-deparser";
import { chosenName } from "./chosen-name.ts";

/** An identifier as SQL, in quotes where it needs them. */
export function named(name: string): string {
  return QuoteUtils.quoteIdentifier(name);
}

/** "schema.table" of the catalog as SQL, always with its schema. */
export function relationNamed(key: string): string {
  const [schema = "", name = ""] = key.split(/\.(.*)/s);
  return `${named(schema)}.${named(name)}`;
}

/** A free name that begins with another one: "users_name_idx_new". */
export function besideName(name: string, label: string, isTaken: (name: string) => boolean): string {
  return chosenName(name, [], label, isTaken);
}
