import { addTo, columnCount, emptyRow, type Row } from "./columns.ts";

export const spanMs = 10_000;

const SPANS_PER_CHUNK = 60;
/** 24 h, and the one that is being filled. */
const CHUNKS = 145;
const SPANS = CHUNKS * SPANS_PER_CHUNK;
const MAX_RELEASES = 32;

/** One span of 10 s: what was counted in it, by release. Releases without traffic are left out. */
export interface ClosedSpan {
  /** Start in ms since 1970, over 10,000. */
  index: number;
  rows: ReadonlyMap<string, ArrayLike<number>>;
}

/**
 * What happened in each span of the last 24 h. A span that was never closed is unknown, which is not the same as one
 * without traffic. Memory: 34 KB, and for each release 7 KB per ten minutes in which it had traffic, at most 1 MB; of
 * more than 32 releases, those without traffic for the longest time are forgotten.
 */
export class SpanHistory {
  /** The index of the span in each place, 0 for none. */
  readonly #known = new Uint32Array(SPANS);
  /** Which ten minutes each chunk holds. */
  readonly #held = new Float64Array(CHUNKS);
  /** By release, then by place; those with the latest traffic last. */
  readonly #chunks = new Map<string, (Uint32Array | undefined)[]>();
  #newest = 0;

  close({ index, rows }: ClosedSpan): void {
    if (index <= this.#newest) this.#forgetFrom(index); // the clock was set back: that time comes again
    this.#makeRoom(index);
    this.#newest = index;
    this.#known[index % SPANS] = index;
    for (const [release, row] of rows) {
      const place = this.#rowToFill(release, index);
      for (let at = 0; at < row.length; at++) place[at] = Math.min(Math.round(row[at]!), 0xffff_ffff);
    }
  }

  knows(release: string): boolean {
    return this.#chunks.has(release);
  }

  /** What was counted in `count` spans from `first` on; undefined when one of them is unknown. */
  sum(release: string, first: number, count: number): Row | undefined {
    const sum = emptyRow();
    for (let index = first; index < first + count; index++) {
      if (!this.#isKnown(index)) return undefined;
      const row = this.#rowAt(release, index);
      if (row !== undefined) addTo(sum, row);
    }
    return sum;
  }

  /** The first `limit` known spans after one, in order of time. */
  after(index: number, limit: number): ClosedSpan[] {
    const found: ClosedSpan[] = [];
    for (let next = Math.max(index, this.#newest - SPANS) + 1; next <= this.#newest; next++) {
      if (!this.#isKnown(next)) continue;
      if (found.length === limit) break;
      found.push({ index: next, rows: this.#rowsAt(next) });
    }
    return found;
  }

  #rowsAt(index: number): Map<string, ArrayLike<number>> {
    const rows = new Map<string, ArrayLike<number>>();
    for (const release of this.#chunks.keys()) {
      const row = this.#rowAt(release, index);
      if (row?.some((count) => count > 0) === true) rows.set(release, row);
    }
    return rows;
  }

  #isKnown(index: number): boolean {
    return index > 0 && this.#known[index % SPANS] === index;
  }

  #rowAt(release: string, index: number): Uint32Array | undefined {
    const place = (index % SPANS_PER_CHUNK) * columnCount;
    return this.#chunks.get(release)?.[chunkOf(index)]?.subarray(place, place + columnCount);
  }

  #rowToFill(release: string, index: number): Uint32Array {
    const chunks = this.#chunks.get(release) ?? [];
    this.#chunks.delete(release);
    this.#chunks.set(release, chunks);
    if (this.#chunks.size > MAX_RELEASES) this.#chunks.delete(this.#chunks.keys().next().value!);
    chunks[chunkOf(index)] ??= new Uint32Array(SPANS_PER_CHUNK * columnCount);
    return this.#rowAt(release, index)!;
  }

  /** Lets go of what is 24 h older than the span in its place. */
  #makeRoom(index: number): void {
    const chunk = chunkOf(index);
    const tenMinutes = Math.floor(index / SPANS_PER_CHUNK);
    if (this.#held[chunk] === tenMinutes) return;
    this.#held[chunk] = tenMinutes;
    this.#known.fill(0, chunk * SPANS_PER_CHUNK, (chunk + 1) * SPANS_PER_CHUNK);
    for (const [release, chunks] of this.#chunks) {
      chunks[chunk] = undefined;
      if (chunks.every((one) => one === undefined)) this.#chunks.delete(release);
    }
  }

  #forgetFrom(index: number): void {
    for (let next = Math.max(index, this.#newest - SPANS + 1); next <= this.#newest; next++) {
      if (!this.#isKnown(next)) continue;
      this.#known[next % SPANS] = 0;
      for (const release of this.#chunks.keys()) this.#rowAt(release, next)?.fill(0);
    }
  }
}

function chunkOf(index: number): number {
  return Math.floor(index / SPANS_PER_CHUNK) % CHUNKS;
}
