/** Where a last line is looked for. */
const LAST_LINE_WITHIN = 4096;

/** Keeps the end of a text that comes in pieces, and knows its last line. */
export interface OutputTail {
  push(text: string): void;
  /** The kept text; when its beginning is missing, the first line says how much. */
  text(): string;
  /** The last line that is not blank, as far as the last 4096 characters tell; "" when there is none. */
  lastLine(): string;
}

/** A tail of at most `limit` characters. */
export function createOutputTail(limit: number): OutputTail {
  let kept = "";
  let dropped = 0;
  return {
    push(text) {
      kept += text;
      const excess = kept.length - limit;
      if (excess <= 0) return;
      kept = kept.slice(excess);
      dropped += excess;
    },
    text: () => (dropped === 0 ? kept : `[the first ${dropped} characters are left out]\n${kept}`),
    lastLine: () => lastLines(kept.slice(-LAST_LINE_WITHIN), 1)[0] ?? "",
  };
}

/** At most the last `count` lines that are not blank, in order, each cut to 300 characters. */
export function lastLines(text: string, count: number): string[] {
  return text
    .split(/\r?\n|\r/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .slice(-count)
    .map((line) => line.slice(0, 300));
}
