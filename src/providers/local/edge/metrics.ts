import { ClientCap } from "./client-cap.ts";
import { ClientShares } from "./client-shares.ts";
import { addTo, column, emptyRow, isEmpty, latencyBoundsMs, type Row } from "./columns.ts";

const MAX_RELEASES = 32;
/** So many clients with a bad answer are told apart in one span; more are as many. */
const MAX_BAD_CLIENTS = 256;

/**
 * What one release did, of which a request becomes part when its answer is complete, broken off or given up. Pinned
 * requests are not counted: they are not traffic.
 */
export class ReleaseMetrics {
  readonly release: string;
  readonly totals: Row = emptyRow();
  /** The totals when the open span began. */
  readonly #before: Row = emptyRow();
  readonly #badClients = new Set<string>();
  readonly #cap: ClientCap;

  /** `clients` is of all releases. */
  constructor(release: string, clients: ClientShares) {
    this.release = release;
    this.#cap = new ClientCap(clients);
  }

  get requests(): number {
    return this.totals[column.requests]!;
  }

  get errors(): number {
    return this.totals[column.errors]!;
  }

  get diverted(): number {
    return this.totals[column.diverted]!;
  }

  /** Counts per latency bucket, not cumulative. */
  get buckets(): Row {
    return this.totals.subarray(column.buckets);
  }

  /** One request whose response headers came, or whose client left, after `elapsedMs`. `badClient`: whom it failed. */
  count(elapsedMs: number, badClient?: string): void {
    const { totals } = this;
    totals[column.requests]! += 1;
    totals[column.sumMs]! += elapsedMs;
    let index = 0;
    while (index < latencyBoundsMs.length && elapsedMs > latencyBoundsMs[index]!) index += 1;
    totals[column.buckets + index]! += 1;
    if (index === latencyBoundsMs.length) totals[column.beyondMs]! += elapsedMs;
    if (badClient !== undefined) this.#countError(badClient);
  }

  /** One request without any answer. It has no latency. */
  countUnanswered(client: string): void {
    this.totals[column.requests]! += 1;
    this.#countError(client);
  }

  /** One request that another release answered in this one's place. */
  countDiverted(client: string): void {
    this.totals[column.diverted]! += 1;
    this.#noteBadClient(client);
  }

  /** One client that was given a bucket of this release, at once and not when its answer is complete. */
  countNewClient(): void {
    this.totals[column.newClients]! += 1;
  }

  /** What was counted since the last span was closed. */
  openSpan(): Row {
    return this.totals.map((count, index) => count - this.#before[index]!);
  }

  /** Begins a new span and returns what was counted in the last one; undefined when that is nothing. */
  closeSpan(): Row | undefined {
    this.#cap.closeSpan();
    const counted = this.openSpan();
    if (isEmpty(counted)) return undefined;
    this.#before.set(this.totals);
    this.#badClients.clear();
    return counted;
  }

  /** Goes on from what another process counted: `totals` in all, of which `open` in the span that is open. */
  continueFrom(totals: Row, open: Row): void {
    addTo(this.totals, totals);
    addTo(this.#before, totals);
    for (const [index, count] of open.entries()) this.#before[index]! -= count;
  }

  #countError(client: string): void {
    this.totals[column.errors]! += 1;
    this.#noteBadClient(client);
  }

  #noteBadClient(client: string): void {
    if (!this.#cap.take(client)) this.totals[column.repeated]! += 1;
    if (this.#badClients.size >= MAX_BAD_CLIENTS || this.#badClients.has(client)) return;
    this.#badClients.add(client);
    this.totals[column.badClients]! += 1;
  }
}

/** The counters of the releases seen lately; of more than 32, those asked for longest ago are forgotten. */
export class EdgeMetrics {
  readonly #releases = new Map<string, ReleaseMetrics>();
  readonly clients: ClientShares = new ClientShares();

  of(release: string): ReleaseMetrics {
    const one = this.#releases.get(release) ?? new ReleaseMetrics(release, this.clients);
    this.#releases.delete(release);
    this.#releases.set(release, one);
    if (this.#releases.size > MAX_RELEASES) this.#releases.delete(this.#releases.keys().next().value!);
    return one;
  }

  /** Undefined when the release is not known. */
  find(release: string): ReleaseMetrics | undefined {
    return this.#releases.get(release);
  }

  all(): ReleaseMetrics[] {
    return [...this.#releases.values()];
  }
}

/** The buckets as a histogram counts them: each holds all that took at most its bound; the last bound is Infinity. */
export function cumulativeBuckets(one: ReleaseMetrics): { leMs: number; count: number }[] {
  let count = 0;
  return Array.from(one.buckets, (bucket, index) => {
    count += bucket;
    return { leMs: latencyBoundsMs[index] ?? Infinity, count };
  });
}
