import type { IncomingMessage } from "node:http";
import { timingSafeEqual } from "node:crypto";
import { Admission } from "./admission.ts";
import { assignBucket, readBucket } from "./bucket-cookie.ts";
import { CountsHandOver } from "./counts-hand-over.ts";
import { saveDocument } from "./document-file.ts";
import { decide, emptyDocument, type Decision, type EdgeDocument } from "./document.ts";
import { clientAddress, pinHeader, releaseHeader } from "./headers.ts";
import type { Instance } from "./instance.ts";
import { EdgeMetrics } from "./metrics.ts";
import { Routing } from "./routing.ts";
import { SpanKeeper } from "./span-keeper.ts";

/** Who serves one request. */
export interface Choice {
  instance: Instance;
  /** The bucket to give the client in a cookie, or -1. */
  newBucket: number;
  /** Pinned requests are not counted and never go to another release. */
  pinned: boolean;
}

/** The state of one edge process: the document in force and everything derived from it. */
export class Edge {
  readonly metrics: EdgeMetrics = new EdgeMetrics();
  readonly spans: SpanKeeper = new SpanKeeper(this.metrics, Date.now());
  readonly counts: CountsHandOver = new CountsHandOver(this.metrics, this.spans);
  readonly routing: Routing = new Routing(this.metrics);
  readonly admission: Admission = new Admission();
  readonly trustForwarded: boolean;
  document: EdgeDocument = emptyDocument;
  /** Another process is taking over: no document is accepted. */
  frozen = false;
  /** No new connections: each answer asks its client to close. */
  draining = false;
  readonly #file: string;
  #pinToken: Buffer = Buffer.alloc(0);
  #writing: Promise<unknown> = Promise.resolve();

  constructor(options: { documentFile: string; trustForwarded: boolean }) {
    this.#file = options.documentFile;
    this.trustForwarded = options.trustForwarded;
  }

  /** Makes a document the one in force, without storing it. */
  apply(document: EdgeDocument): void {
    this.document = document;
    this.#pinToken = Buffer.from(document.pinToken);
    this.routing.apply(document);
    this.admission.setMode(document.mode, document.holdMs);
  }

  /**
   * Stores and applies `proposed` if it may follow; one at a time. "frozen": another process is taking over, ask
   * that one. Rejects when it cannot be stored; then nothing changed.
   */
  replaceDocument(proposed: EdgeDocument): Promise<Decision | { decision: "frozen" }> {
    const result = this.#writing.then(() => this.#replaceNow(proposed));
    this.#writing = result.catch(() => undefined); // the caller of this one sees the failure; the next starts afresh
    return result;
  }

  /** Resolves when no document is being stored any more. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  /** Undefined when nothing can serve the request. */
  choose(req: IncomingMessage): Choice | undefined {
    const wanted = req.headers[releaseHeader];
    if (wanted !== undefined && this.holdsPin(req)) {
      const instance = this.routing.pinned(String(wanted));
      return instance === undefined ? undefined : { instance, newBucket: -1, pinned: true };
    }
    let bucket = 0;
    let newBucket = -1;
    if (this.routing.split) {
      bucket = readBucket(req.headers.cookie);
      if (bucket === -1) bucket = newBucket = assignBucket();
    }
    const owner = this.routing.owner(bucket);
    if (owner === undefined) return undefined;
    if (newBucket !== -1) owner.metrics.countNewClient();
    if (owner.healthy) return { instance: owner, newBucket, pinned: false };
    const substitute = this.routing.substitute(owner);
    // when nobody is healthy the owner is tried all the same: it may be back already
    if (substitute === undefined) return { instance: owner, newBucket, pinned: false };
    if (substitute.release !== owner.release) owner.metrics.countDiverted(this.clientOf(req));
    return { instance: substitute, newBucket, pinned: false };
  }

  async #replaceNow(proposed: EdgeDocument): Promise<Decision | { decision: "frozen" }> {
    if (this.frozen) return { decision: "frozen" };
    const result = decide(this.document, proposed);
    if (result.decision === "apply") {
      await saveDocument(this.#file, proposed);
      this.apply(proposed);
    }
    return result;
  }

  /** Address of who asked. */
  clientOf(req: IncomingMessage): string {
    return clientAddress(req, this.trustForwarded);
  }

  /** Whether the request carries the document's pin token. */
  holdsPin(req: IncomingMessage): boolean {
    const given = req.headers[pinHeader];
    if (typeof given !== "string" || this.#pinToken.length === 0) return false;
    const bytes = Buffer.from(given);
    return bytes.length === this.#pinToken.length && timingSafeEqual(bytes, this.#pinToken);
  }
}
