import type { EdgeDocument } from "./document.ts";
import { Instance } from "./instance.ts";
import type { EdgeMetrics } from "./metrics.ts";

/** Number of buckets that clients are spread over; one percent is a hundred of them. */
export const bucketCount = 10_000;

interface Share {
  instance: Instance;
  /** First bucket that is no longer this instance's. */
  end: number;
}

/** Which instance serves which request: built anew from each document, keeping the instances it still names. */
export class Routing {
  readonly #metrics: EdgeMetrics;
  #shares: Share[] = [];
  #standby: Instance[] = [];
  /** Every instance of the document, in its order. */
  instances: Instance[] = [];
  /** Instances no longer named, which still answer requests. */
  leaving: Instance[] = [];

  constructor(metrics: EdgeMetrics) {
    this.#metrics = metrics;
  }

  /** Whether clients must be told apart: more than one instance has weight. */
  get split(): boolean {
    return this.#shares.length > 1;
  }

  apply(document: EdgeDocument): void {
    const before = new Map(this.instances.map((instance) => [instance.name, instance]));
    this.instances = document.routes.map((route) => {
      const metrics = this.#metrics.of(route.release);
      const known = before.get(route.instance);
      if (known?.matches(route) !== true) return new Instance(route, metrics);
      before.delete(route.instance);
      return known;
    });
    let end = 0;
    this.#shares = [];
    this.#standby = [];
    for (const [index, route] of document.routes.entries()) {
      const instance = this.instances[index]!;
      end += route.weightPercent * (bucketCount / 100);
      if (route.weightPercent > 0) this.#shares.push({ instance, end });
      else if (route.standby) this.#standby.push(instance);
    }
    this.leaving.push(...before.values());
    this.sweep();
  }

  /** Drops the connections of instances that are no longer named and have answered everything. */
  sweep(): void {
    this.leaving = this.leaving.filter((instance) => {
      if (instance.inFlight > 0) return true;
      instance.agent.destroy();
      return false;
    });
  }

  /** The instance whose share holds the bucket, healthy or not; undefined when nothing has weight. */
  owner(bucket: number): Instance | undefined {
    const shares = this.#shares;
    for (let index = 0; index < shares.length; index++) {
      if (bucket < shares[index]!.end) return shares[index]!.instance;
    }
    return undefined;
  }

  /**
   * Who serves in place of `instance`: another instance of its release, else the healthy one with the largest
   * share, else a standby. Undefined when none of them is healthy.
   */
  substitute(instance: Instance): Instance | undefined {
    const able = (other: Instance): boolean => other !== instance && other.healthy;
    const shares = this.#shares.filter((share) => able(share.instance));
    const sibling = shares.find((share) => share.instance.release === instance.release)?.instance;
    if (sibling !== undefined) return sibling;
    let largest: Instance | undefined;
    let width = 0;
    for (const share of shares) {
      const shareWidth = this.#width(share);
      if (shareWidth > width) [largest, width] = [share.instance, shareWidth];
    }
    return largest ?? this.#standby.find(able);
  }

  /** The first instance of a release, a healthy one if there is one. */
  pinned(release: string): Instance | undefined {
    const named = this.instances.filter((instance) => instance.release === release);
    return named.find((instance) => instance.healthy) ?? named[0];
  }

  #width(share: Share): number {
    const before = this.#shares[this.#shares.indexOf(share) - 1];
    return share.end - (before?.end ?? 0);
  }
}
