import { TminusError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { randomText } from "../../lib/id.ts";
import type { Fence } from "../../model/ports.ts";
import { loadDocument } from "./edge/document-file.ts";
import type { EdgeDocument } from "./edge/document.ts";
import type { EdgeClient } from "./edge-client.ts";
import { replaceEdge, startEdge, type EdgeContext, type EdgeSettings } from "./edge-launcher.ts";
import type { LocalLayout } from "./layout.ts";

const MAX_CONFLICTS = 5;
/** A replacement takes well below a second; 10 s is how long the former edge waits for a successor. */
const MAX_BUSY = 200;
const BUSY_PAUSE_MS = 50;
const PIN_LENGTH = 32;
const DRAIN_POLL_MS = 20;

/** What a change makes of a document; generation and fence are filled in. */
export type Edit = (current: EdgeDocument) => Pick<EdgeDocument, "routes" | "mode" | "holdMs">;

/** The controller's view of the edge's document: reads it, and changes it under the environment's fence. */
export class EdgeControl {
  readonly #context: EdgeContext;
  readonly #settings: EdgeSettings;
  readonly #environment: string;

  constructor(options: {
    environment: string;
    layout: LocalLayout;
    client: EdgeClient;
    clock: Clock;
    settings: EdgeSettings;
  }) {
    const { layout, client, clock } = options;
    this.#context = { layout, client, clock };
    this.#settings = options.settings;
    this.#environment = options.environment;
  }

  /** The document in force; that on disk when no edge runs, because a restarted edge serves by it. */
  async document(): Promise<EdgeDocument> {
    const status = await this.#context.client.status();
    return status?.document ?? (await loadDocument(this.#context.layout.document));
  }

  /** Whether an edge process answers now. */
  async isRunning(): Promise<boolean> {
    return (await this.#context.client.status()) !== undefined;
  }

  /** Starts the edge if need be and refuses an outdated fence. Throws TARGET_CONFLICT, TARGET_UNREACHABLE. */
  async ensure(fence: Fence): Promise<EdgeDocument> {
    if (fence.environment !== this.#environment) {
      throw new TminusError(
        "TARGET_CONFLICT",
        `a fence of ${fence.environment} cannot change ${this.#environment}`,
      );
    }
    const { document } = await startEdge(this.#context, this.#settings);
    assertFence(document, fence);
    return document;
  }

  /**
   * Changes the document; the result is in force when this resolves. An edit that changes nothing under the
   * same fence sends nothing. Throws TARGET_CONFLICT when somebody with a newer fence was faster.
   */
  async change(fence: Fence, signal: AbortSignal, edit: Edit): Promise<EdgeDocument> {
    let reason = "";
    for (let conflicts = 0, busy = 0; conflicts < MAX_CONFLICTS && busy < MAX_BUSY;) {
      signal.throwIfAborted();
      const current = await this.ensure(fence);
      const proposed = propose(current, edit(current), fence);
      if (proposed === undefined) return current;
      const answer = await this.#context.client.putDocument(proposed, signal);
      if (answer.result === "accepted") return proposed;
      if (answer.result === "busy") busy += 1;
      else conflicts += 1;
      reason = answer.reason;
      await this.#context.clock.sleep(BUSY_PAUSE_MS, signal);
    }
    throw new TminusError("TARGET_CONFLICT", `the edge did not take the change: ${reason}`);
  }

  /** Waits until no request is under way at the instance, at most `deadlineMs`. Returns how many are left. */
  async drain(instance: string, deadlineMs: number, signal: AbortSignal): Promise<number> {
    const { clock, client } = this.#context;
    const until = clock.monotonicMs() + deadlineMs;
    for (;;) {
      const left = (await client.inFlight()).get(instance) ?? 0;
      if (left === 0 || clock.monotonicMs() >= until) return left;
      await clock.sleep(DRAIN_POLL_MS, signal);
    }
  }

  /** Starts the edge if releases have traffic but no edge runs. Returns whether it did. */
  async restore(): Promise<boolean> {
    if (await this.isRunning()) return false;
    const { routes } = await loadDocument(this.#context.layout.document);
    if (routes.every((route) => route.weightPercent === 0)) return false;
    await startEdge(this.#context, this.#settings);
    return true;
  }

  /** Puts a new process in the edge's place without losing a request. */
  async replace(): Promise<void> {
    await replaceEdge(this.#context, this.#settings);
  }
}

/** The document that follows, or undefined when the edit changes nothing under the same fence. */
function propose(current: EdgeDocument, changes: ReturnType<Edit>, fence: Fence): EdgeDocument | undefined {
  const proposed: EdgeDocument = {
    ...current,
    ...changes,
    fence: fence.token,
    pinToken: current.pinToken === "" ? randomText(PIN_LENGTH) : current.pinToken,
  };
  if (JSON.stringify(proposed) === JSON.stringify(current)) return undefined;
  return { ...proposed, generation: current.generation + 1 };
}

function assertFence(document: EdgeDocument, fence: Fence): void {
  if (document.fence <= fence.token) return;
  throw new TminusError(
    "TARGET_CONFLICT",
    `the edge has been changed under token ${document.fence}; ${fence.token} is outdated`,
  );
}
