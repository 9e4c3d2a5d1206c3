/** "Ann" and "ann " are one person: nobody counts twice, or for somebody else, by spelling. */
export function sameName(one: string, other: string): boolean {
  return canonicalName(one) === canonicalName(other);
}

export function canonicalName(name: string): string {
  return name.normalize("NFKC").trim().toLowerCase();
}
