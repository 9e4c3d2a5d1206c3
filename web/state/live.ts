import { computed } from "@preact/signals";
import type { EventResource } from "../../src/server/contract/run.ts";
import { cutSinceMs, followLive, heardAtMs, SILENT_AFTER_MS } from "../api/live.ts";
import { refreshLists } from "./lists.ts";
import { now } from "./now.ts";
import { forgetWho } from "./session.ts";

/** A stream that is cut is mostly there again before anybody has to hear of it. */
const CUT_FOR_MS = 2000;

/** What is shown may be old: nothing is to be decided by it. */
export const isStale = computed(() => {
  const nowMs = now.value.getTime();
  const isCut = cutSinceMs.value !== undefined && nowMs - cutSinceMs.value > CUT_FOR_MS;
  return isCut || nowMs - heardAtMs.value > SILENT_AFTER_MS;
});

export interface NewsListener {
  event(event: EventResource): void;
  /** Something may have been missed. */
  reload(): void;
}

const listeners = new Set<NewsListener>();

/** Hears what comes from now on, until the function that it returns is called. */
export function onNews(listener: NewsListener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Whether an event changes what lists of runs and environments show. */
export function changesLists({ type }: EventResource): boolean {
  return /^(run\.|step\.(waiting|continued|done)|undo\.done)/.test(type);
}

/** Follows the server as long as somebody is signed in; ends when `ending` aborts. */
export function startLive(ending: AbortSignal): void {
  heardAtMs.value = Date.now();
  followLive(
    {
      event(event) {
        if (changesLists(event)) refreshLists(location.pathname);
        for (const listener of listeners) listener.event(event);
      },
      opened() {
        refreshLists(location.pathname);
        for (const listener of listeners) listener.reload();
      },
      refused: forgetWho,
    },
    ending,
  );
}
