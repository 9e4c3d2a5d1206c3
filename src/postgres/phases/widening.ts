import type { TypeName } from "libpg-query";

/**
 * Whether a column of the type `before` (as format_type writes it) takes, after a change to `after`, every value
 * that it took, and gives it back the same to a client: text of any length, varchar and numeric made longer.
 */
export function isWidening(before: string, after: TypeName | undefined): boolean {
  const name = after?.names?.at(-1);
  const word = name !== undefined && "String" in name ? name.String.sval : undefined;
  const sizes = (after?.typmods ?? []).flatMap((item) =>
    "A_Const" in item && item.A_Const.ival !== undefined ? [item.A_Const.ival.ival ?? 0] : [],
  );
  const [, base, first, second] = /^([a-z ]+?)(?:\((\d+)(?:,(\d+))?\))?$/.exec(before) ?? [];
  if (base === "text" || base === "character varying") {
    if (word === "text" || (word === "varchar" && sizes.length === 0)) return true;
    return word === "varchar" && first !== undefined && sizes[0]! >= Number(first);
  }
  if (base !== "numeric" || word !== "numeric") return false;
  // More digits before the point, as many after it: the same values are printed the same.
  return first !== undefined && sizes[0]! >= Number(first) && (sizes[1] ?? 0) === Number(second ?? 0);
}
