/** PostgreSQL's NAMEDATALEN - 1. */
const MAX_BYTES = 63;

/**
 * The name that PostgreSQL gives to an index or constraint without one: "users_email_key". The longer of the two
 * parts is cut until all fits into 63 bytes. `isTaken` says whether the schema has the name already: then 1, 2 … is
 * put behind the label. `columns`: the columns' names, "expr" for an expression that is no call of a function.
 * Labels: idx, key, pkey, excl, check, fkey, not_null. Source: makeObjectName and ChooseRelationName,
 * https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/commands/indexcmds.c
 */
export function chosenName(
  table: string,
  columns: readonly string[],
  label: string,
  isTaken: (name: string) => boolean = () => false,
): string {
  for (let number = 0; ; number++) {
    const name = objectName(table, columns.join("_"), number === 0 ? label : `${label}${number}`);
    if (!isTaken(name)) return name;
  }
}

function objectName(table: string, columns: string, label: string): string {
  const overhead = 1 + label.length + (columns === "" ? 0 : 1);
  let [first, second] = [bytes(table), bytes(columns)];
  while (first + second > MAX_BYTES - overhead) {
    if (first > second) first--;
    else second--;
  }
  const parts = [clip(table, first), ...(columns === "" ? [] : [clip(columns, second)]), label];
  return parts.join("_");
}

function bytes(text: string): number {
  return Buffer.byteLength(text);
}

/** At most so many bytes, and no half character. */
function clip(text: string, limit: number): string {
  let clipped = text;
  while (bytes(clipped) > limit) clipped = Array.from(clipped).slice(0, -1).join("");
  return clipped;
}
