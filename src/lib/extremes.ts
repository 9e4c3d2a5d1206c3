/**
 * Of items in a row, those that the row cannot be thinned without: the lowest, the highest, the last with a value and
 * the last without one, each once and in their order. Of equal ones it is the last, so that a rise begins where it began.
 * What is kept of a row, and what is kept of what was kept of its parts, is the same.
 */
export function extremesOf<Item>(
  items: readonly Item[],
  valueOf: (item: Item) => number | undefined,
): Item[] {
  let lowest: Item | undefined;
  let highest: Item | undefined;
  const kept = new Set<Item | undefined>();
  for (const item of items) {
    const value = valueOf(item);
    if (value === undefined) continue;
    if (lowest === undefined || value <= valueOf(lowest)!) lowest = item;
    if (highest === undefined || value >= valueOf(highest)!) highest = item;
  }
  kept.add(lowest).add(highest);
  kept.add(items.findLast((item) => valueOf(item) !== undefined));
  kept.add(items.findLast((item) => valueOf(item) === undefined));
  return items.filter((item) => kept.has(item));
}
