/** From an instant up to another, which does not belong to it, in ms since 1970. */
export interface Span {
  start: number;
  end: number;
}

/** The same time, in order, without overlaps and without spans that touch. */
export function union(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.filter(({ start, end }) => start < end).sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && span.start <= last.end) last.end = Math.max(last.end, span.end);
    else merged.push({ start: span.start, end: span.end });
  }
  return merged;
}

/** What of `spans` is in none of `taken`; both as union gives them. */
export function subtract(spans: readonly Span[], taken: readonly Span[]): Span[] {
  const left: Span[] = [];
  let next = 0;
  for (const span of spans) {
    let start = span.start;
    while (next < taken.length && taken[next]!.end <= start) next++;
    for (let index = next; index < taken.length && taken[index]!.start < span.end; index++) {
      if (taken[index]!.start > start) left.push({ start, end: taken[index]!.start });
      start = Math.max(start, taken[index]!.end);
    }
    if (start < span.end) left.push({ start, end: span.end });
  }
  return left;
}

/** What of `spans` is between two instants. */
export function clip(spans: readonly Span[], from: number, to: number): Span[] {
  return spans
    .filter(({ start, end }) => start < to && end > from)
    .map(({ start, end }) => ({ start: Math.max(start, from), end: Math.min(end, to) }));
}
