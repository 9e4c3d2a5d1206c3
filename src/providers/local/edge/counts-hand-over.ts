import { readlink } from "node:fs/promises";
import { join } from "node:path";
import { addTo, columnsVersion, emptyRow, isEmpty, rowOf, shortened, type Row } from "./columns.ts";
import type { EdgeMetrics, ReleaseMetrics } from "./metrics.ts";
import { callEdge } from "./predecessor.ts";
import type { OpenSpan, SpanKeeper } from "./span-keeper.ts";
import { lineOf, rowsFromJson, rowsToJson, spanOf, type SpanLine } from "./span-line.ts";

/** One hour of spans is asked for at a time, so that no answer holds up the traffic. */
const SPANS_AT_ONCE = 360;

/** All that an edge process knows when another takes its place. */
interface GivenCounts {
  open: OpenSpan;
  last: { sinceMs: number; rows: Record<string, number[]> } | undefined;
  /** By release: since its beginning, and of that in the open span. */
  releases: Record<string, { totals: number[]; open: number[] }>;
  /** Those after the last one that the successor has. */
  spans: SpanLine[];
}

/** What the predecessor counted since: it still answers what it had accepted. */
interface LaterCounts {
  pid: number;
  /** Grows by one with each, so that one that is sent twice counts once. */
  number: number;
  rows: Record<string, number[]>;
}

/**
 * Takes the counters and the history from one edge process to the next. The successor asks for all when it is ready to
 * answer for it; what its predecessor counts from then on is added to the successor's open span as it comes in. So
 * nothing is lost or counted twice, no counter goes back and no closed span changes.
 */
export class CountsHandOver {
  readonly #metrics: EdgeMetrics;
  readonly #spans: SpanKeeper;
  /** By the number of the last message, of each predecessor. */
  readonly #received = new Map<number, number>();
  /** What the successor has; undefined while there is none. */
  #given: Map<ReleaseMetrics, Row> | undefined;
  #isReplaced = false;
  /** Questions that came while a successor was on its way. */
  readonly #waiting: ((mayAnswer: boolean) => void)[] = [];
  #sending: { number: number; rows: Map<string, Row> } | undefined;
  #number = 0;

  constructor(metrics: EdgeMetrics, spans: SpanKeeper) {
    this.#metrics = metrics;
    this.#spans = spans;
  }

  /** Whether a successor has the counts, so that this process no longer answers or stores them. */
  get isGiven(): boolean {
    return this.#given !== undefined;
  }

  /** Whether this process may answer for the counts; while a successor is on its way, resolves when that is decided. */
  async mayAnswer(): Promise<boolean> {
    if (this.#given === undefined) return true;
    if (this.#isReplaced) return false;
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  spansAfter(index: number): SpanLine[] {
    return this.#spans.history.after(index, SPANS_AT_ONCE).map(lineOf);
  }

  give(afterIndex: number): GivenCounts {
    this.#spans.roll(Date.now());
    this.#given = new Map(this.#metrics.all().map((one) => [one, one.totals.slice()]));
    const { open, last } = this.#spans;
    const releases = this.#metrics
      .all()
      .map((one) => [one.release, { totals: shortened(one.totals), open: shortened(one.openSpan()) }]);
    return {
      open,
      last: last === undefined ? undefined : { ...last, rows: rowsToJson(last.rows) },
      releases: Object.fromEntries(releases) as GivenCounts["releases"],
      spans: this.spansAfter(afterIndex),
    };
  }

  /** No successor came: this process answers on. */
  takeBack(): void {
    this.#given = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve(true);
  }

  /** The successor answers from now on. */
  complete(): void {
    this.#isReplaced = true;
    for (const resolve of this.#waiting.splice(0)) resolve(this.#given === undefined);
  }

  /**
   * Sends what was counted since to the process that answers now; rejects when it cannot be reached, and then sends
   * the same again the next time. One call at a time.
   */
  async passOn(socketFolder: string): Promise<void> {
    if (this.#given === undefined) return;
    const current = join(socketFolder, "control.sock");
    if ((await readlink(current)) === `edge-${process.pid}.sock`) return;
    this.#sending ??= this.#growth(this.#given);
    if (this.#sending === undefined) return;
    const { number, rows } = this.#sending;
    const later: LaterCounts = { pid: process.pid, number, rows: rowsToJson(rows) };
    await callEdge(current, "/add-counts", { version: columnsVersion, ...later });
    for (const [release, row] of rows) {
      const one = this.#metrics.find(release);
      const given = one === undefined ? undefined : this.#given.get(one);
      if (given !== undefined) addTo(given, row);
      else if (one !== undefined) this.#given.set(one, row);
    }
    this.#sending = undefined;
  }

  /** Adds what a predecessor passed on. */
  add(value: Partial<Record<keyof LaterCounts, unknown>>): void {
    const rows = rowsFromJson(value.rows);
    const [pid, number] = [Number(value.pid), Number(value.number)];
    if (!Number.isSafeInteger(pid) || !Number.isSafeInteger(number))
      throw new Error("pid and number are needed");
    if (number <= (this.#received.get(pid) ?? 0)) return;
    this.#received.set(pid, number);
    for (const [release, row] of rows) addTo(this.#metrics.of(release).totals, row);
  }

  /** Takes the closed spans of a predecessor, an hour at a time. Returns the index of the last one. */
  async takeSpans(socketPath: string): Promise<number> {
    for (let last = 0; ;) {
      const answer = await callEdge(socketPath, "/spans", { version: columnsVersion, after: last });
      const spans = (JSON.parse(answer) as { spans: unknown[] }).spans.map(spanOf);
      for (const span of spans) this.#spans.history.close(span);
      if (spans.length === 0) return last;
      last = spans.at(-1)!.index;
    }
  }

  /** Goes on with the counters of a predecessor, which stops answering for them. */
  async takeCounts(socketPath: string, lastSpan: number): Promise<void> {
    const answer = await callEdge(socketPath, "/give-counts", { version: columnsVersion, after: lastSpan });
    const { open, last, releases, spans } = JSON.parse(answer) as GivenCounts;
    for (const span of spans.map(spanOf)) this.#spans.history.close(span);
    for (const [release, counted] of Object.entries(releases))
      this.#metrics.of(release).continueFrom(rowOf(counted.totals), rowOf(counted.open));
    this.#spans.continueFrom(
      open,
      last === undefined ? undefined : { ...last, rows: rowsFromJson(last.rows) },
    );
  }

  #growth(given: ReadonlyMap<ReleaseMetrics, Row>): { number: number; rows: Map<string, Row> } | undefined {
    const rows = new Map<string, Row>();
    for (const one of this.#metrics.all()) {
      const before = given.get(one) ?? emptyRow();
      const row = one.totals.map((count, index) => count - before[index]!);
      if (!isEmpty(row)) rows.set(one.release, row);
    }
    if (rows.size === 0) return undefined;
    this.#number += 1;
    return { number: this.#number, rows };
  }
}
