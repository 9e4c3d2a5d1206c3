/** One of the states in which files and history can be, and what was said about it. */
export interface Verdict {
  case: string;
  /** Who applied what has run. */
  madeBy: string;
  /** What the owner's tool says, in the words of tminus; "blind" where it does not look. */
  owner: string;
  tminus: string;
}

/** For people who read the output of the tests. */
export function printVerdicts(title: string, verdicts: readonly Verdict[]): void {
  const columns = ["case", "madeBy", "owner", "tminus"] as const;
  const widths = columns.map((key) =>
    Math.max(key.length, ...verdicts.map((verdict) => verdict[key].length)),
  );
  const line = (values: readonly string[]): string =>
    values
      .map((value, index) => value.padEnd(widths[index]!))
      .join("  ")
      .trimEnd();
  const rows = verdicts.map((verdict) => line(columns.map((key) => verdict[key])));
  process.stdout.write(`\n${[title, line(columns), ...rows].join("\n")}\n`);
}

/** "pending 3, edited 1": what is not empty, by the day in each name. */
export function say(found: Readonly<Record<string, readonly string[]>>): string {
  const parts = Object.entries(found)
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what} ${names.map((name) => Number(name.slice(6, 8))).join("+")}`);
  return parts.length === 0 ? "up to date" : parts.join(", ");
}
