import { signal } from "@preact/signals";
import type { EventResource } from "../../src/server/contract/run.ts";
import type { StreamPart } from "../../src/lib/event-stream.ts";
import { eventParts } from "./event-parts.ts";

/** What the tab that holds the stream tells the others. */
type Told =
  | { kind: "event"; id: string; event: EventResource }
  | { kind: "alive"; atMs: number }
  /** The stream was opened, the first time or again: something may have been missed. */
  | { kind: "opened" }
  /** The stream ended, or could not be opened. */
  | { kind: "cut" }
  /** Whoever looks has to sign in again. */
  | { kind: "refused" };

export interface LiveListener {
  event(event: EventResource): void;
  /** Something may have been missed. */
  opened(): void;
  /** Nobody is signed in any more. */
  refused(): void;
}

/** When the server was last heard of, in ms since 1970; when the page was opened, before it was. */
export const heardAtMs = signal(Date.now());
/** Since when there is no stream, in ms since 1970. */
export const cutSinceMs = signal<number | undefined>(undefined);

/** The server sends a sign of life every 15 s: two did not come. */
export const SILENT_AFTER_MS = 33_000;

const NAME = "tminus-events";
const FIRST_WAIT_MS = 300;
/** A server that is back is found soon: there is one that asks in each browser. */
const LONGEST_WAIT_MS = 1000;

/**
 * Follows the events of all runs. One tab of the browser holds the only stream, by a Web Lock, and passes on what comes: more
 * than six streams would keep every other request of further tabs waiting. When that tab goes, another one takes over from the
 * last id. Ends when `ending` aborts.
 */
export function followLive(listener: LiveListener, ending: AbortSignal): void {
  const channel = new BroadcastChannel(NAME);
  let lastId = "";
  const hear = (told: Told): void => {
    if (told.kind === "event") {
      lastId = told.id;
      heardAtMs.value = Date.now();
      listener.event(told.event);
    } else if (told.kind === "alive") heardAtMs.value = Math.max(heardAtMs.value, told.atMs);
    else if (told.kind === "opened") listener.opened();
    else if (told.kind === "refused") listener.refused();
    cutSinceMs.value = told.kind === "cut" ? (cutSinceMs.value ?? Date.now()) : undefined;
  };
  channel.addEventListener("message", ({ data }: MessageEvent<Told>) => hear(data));
  ending.addEventListener("abort", () => channel.close());
  const tell = (told: Told): void => {
    if (ending.aborted) return;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no other origin
    channel.postMessage(told);
    hear(told);
  };
  const lead = (): Promise<void> => hold(() => lastId, tell, ending);
  // Without locks (a page that is not secure) each tab has a stream of its own.
  if (navigator.locks === undefined) void lead();
  else
    navigator.locks.request(NAME, { signal: ending }, lead).catch(() => {
      // The session ended while another tab held the stream.
    });
}

async function hold(lastId: () => string, tell: (told: Told) => void, ending: AbortSignal): Promise<void> {
  let waitMs = FIRST_WAIT_MS;
  while (!ending.aborted) {
    const heard = (): void => {
      waitMs = FIRST_WAIT_MS;
      tell({ kind: "alive", atMs: Date.now() });
    };
    tell({ kind: await readOnce(lastId(), tell, { ending, heard, opened: () => tell({ kind: "opened" }) }) });
    await pause(waitMs, ending);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

interface Reading {
  ending: AbortSignal;
  heard(): void;
  opened(): void;
}

/** Resolves when the stream ends, also when it has been silent for too long; refused when it is not for whoever looks. */
async function readOnce(
  lastId: string,
  tell: (told: Told) => void,
  { ending, heard, opened }: Reading,
): Promise<"cut" | "refused"> {
  const silent = new AbortController();
  let timer = 0;
  const alive = (): void => {
    clearTimeout(timer);
    timer = window.setTimeout(() => silent.abort(), SILENT_AFTER_MS);
    heard();
  };
  const stop = (): void => silent.abort();
  ending.addEventListener("abort", stop);
  try {
    const response = await fetch("/api/events", {
      headers: { accept: "text/event-stream", ...(lastId === "" ? {} : { "last-event-id": lastId }) },
      signal: silent.signal,
    });
    if (response.status === 401) return "refused";
    if (!response.ok) return "cut";
    alive();
    opened();
    for await (const part of eventParts(response)) {
      alive();
      pass(part, tell);
    }
    return "cut";
  } catch {
    return "cut"; // or silent: whoever holds the stream opens it again
  } finally {
    clearTimeout(timer);
    ending.removeEventListener("abort", stop);
    silent.abort();
  }
}

function pass(part: StreamPart, tell: (told: Told) => void): void {
  if (part.kind === "message" && part.event === "run-event")
    tell({ kind: "event", id: part.id, event: JSON.parse(part.data) as EventResource });
}

function pause(ms: number, ending: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    ending.addEventListener("abort", () => {
      clearTimeout(timer);
      done();
    });
  });
}
