import { addTo, emptyRow, type Row } from "./columns.ts";
import type { EdgeMetrics } from "./metrics.ts";
import { spanMs, SpanHistory, type ClosedSpan } from "./span-history.ts";

/** The span that is being counted. */
export interface OpenSpan {
  index: number;
  /** Since when is counted, ms since 1970. */
  sinceMs: number;
  /** Counting began with the span, so that it will be known. */
  isWhole: boolean;
}

/** The span before the open one, as far as it was counted. */
export interface LastSpan {
  /** Since when was counted in it, ms since 1970. */
  sinceMs: number;
  rows: ReadonlyMap<string, Row>;
}

/**
 * Writes what the counters grew by in each span of 10 s into the history. The counters themselves know no time: a
 * span is closed by a timer, or by a question that comes before the timer.
 */
export class SpanKeeper {
  readonly history: SpanHistory = new SpanHistory();
  readonly #metrics: EdgeMetrics;
  #open: OpenSpan;
  #last: LastSpan | undefined;
  /** Told of each span when it is closed, to store it. */
  onClosed: (span: ClosedSpan) => void = () => undefined;

  constructor(metrics: EdgeMetrics, nowMs: number) {
    this.#metrics = metrics;
    this.#open = { index: indexOf(nowMs), sinceMs: nowMs, isWhole: false };
  }

  get open(): Readonly<OpenSpan> {
    return this.#open;
  }

  /** Undefined when nothing was counted until the open span began. */
  get last(): LastSpan | undefined {
    return this.#last;
  }

  /** Closes the open span if `nowMs` is past it. */
  roll(nowMs: number): void {
    const index = indexOf(nowMs);
    const { index: open, sinceMs, isWhole } = this.#open;
    if (index === open) return;
    const rows = new Map<string, Row>();
    for (const one of this.#metrics.all()) {
      const row = one.closeSpan();
      if (row !== undefined) rows.set(one.release, row);
    }
    // after more than one span this process, or the whole machine, was stopped; before it, the clock was set back
    const follows = index === open + 1;
    this.#open = { index, sinceMs: follows ? index * spanMs : nowMs, isWhole: follows };
    this.#last = follows ? { sinceMs, rows } : undefined;
    if (!isWhole || index < open) return;
    this.history.close({ index: open, rows });
    this.onClosed({ index: open, rows });
  }

  /** Goes on with the span that another process had open, and the one before. */
  continueFrom(open: OpenSpan, last: LastSpan | undefined): void {
    this.#open = { ...open };
    this.#last = last;
  }

  /** What was counted of a release in the last 10 to 20 s, or since counting began, and since when that is. */
  recent(release: string): { sinceMs: number; row: Row } {
    const row = this.#metrics.find(release)?.openSpan() ?? emptyRow();
    if (this.#last === undefined) return { sinceMs: this.#open.sinceMs, row };
    addTo(row, this.#last.rows.get(release) ?? emptyRow());
    return { sinceMs: this.#last.sinceMs, row };
  }

  /** Rolls at the end of each span from now on. */
  run(): void {
    const next = (): void => {
      const nowMs = Date.now();
      this.roll(nowMs);
      setTimeout(next, spanMs - (nowMs % spanMs)).unref();
    };
    next();
  }
}

function indexOf(ms: number): number {
  return Math.floor(ms / spanMs);
}
