const NAMED = 10;

/** Names for a sentence, at most ten of them: "A, B and 3 more". */
export function sayNames(names: readonly string[]): string {
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
