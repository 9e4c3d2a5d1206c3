/** Clients that are told apart by how many good answers they got; more would be rarer than is asked about. */
const MAX_CLIENTS = 64;
/** Before so many good answers nothing is known of who asks. */
const LEAST_GOOD = 100;
/** Who gets this part of all good answers, or more, may be many behind one address. */
const MANY = 0.05;
/** When so many are counted they weigh half, so that what was long ago is forgotten. */
const HALVED_AT = 20_000;

/**
 * Who the edge serves well, by address: what tells one client that fails again and again from a proxy or an office, behind
 * whose address many people are. Errors say nothing of that. Counts are of frequent items after Misra and Gries (1982): of a
 * client too few are counted, by at most 1/65 of all.
 */
export class ClientShares {
  readonly #good = new Map<string, number>();
  #total = 0;

  /** One good answer. */
  noteGood(client: string): void {
    this.#total += 1;
    const known = this.#good.get(client);
    if (known !== undefined || this.#good.size < MAX_CLIENTS) this.#good.set(client, (known ?? 0) + 1);
    else this.#scale((count) => count - 1);
    if (this.#total < HALVED_AT) return;
    this.#total /= 2;
    this.#scale((count) => count / 2);
  }

  /** Whether its requests may be those of many people; so while little is known. */
  isMany(client: string): boolean {
    return this.#total < LEAST_GOOD || (this.#good.get(client) ?? 0) >= MANY * this.#total;
  }

  #scale(scaled: (count: number) => number): void {
    for (const [client, count] of this.#good) {
      const left = scaled(count);
      if (left >= 1) this.#good.set(client, left);
      else this.#good.delete(client);
    }
  }
}
