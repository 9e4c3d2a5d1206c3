import type { ClientShares } from "./client-shares.ts";

/** One client contributes so many bad answers, or this part of all that count, whichever is more. */
const ALWAYS = 2;
const PART = 0.2;
/** More than so many clients with a bad answer are many clients. */
const MAX_CLIENTS = 4096;
/** Half an hour of spans of 10 s: as long as an epoch of a watch. */
const SPANS = 180;

/**
 * How many of a release's bad answers one client can contribute, so that one who asks for a broken address again and again
 * does not look like many who fail: with fewer than six of them each counts twice in half an hour, and of more none makes
 * up more than a fifth.
 */
export class ClientCap {
  readonly #clients: ClientShares;
  readonly #counted = new Map<string, number>();
  #total = 0;
  #spans = 0;

  constructor(clients: ClientShares) {
    this.#clients = clients;
  }

  /** Whether one more bad answer of this client counts. */
  take(client: string): boolean {
    const counted = this.#counted.get(client) ?? 0;
    const isWithin = counted < Math.max(ALWAYS, PART * this.#total) || this.#clients.isMany(client);
    if (!isWithin) return false;
    this.#total += 1;
    if (counted > 0 || this.#counted.size < MAX_CLIENTS) this.#counted.set(client, counted + 1);
    return true;
  }

  /** A span is over. */
  closeSpan(): void {
    this.#spans += 1;
    if (this.#spans < SPANS) return;
    this.#spans = 0;
    this.#total = 0;
    this.#counted.clear();
  }
}
