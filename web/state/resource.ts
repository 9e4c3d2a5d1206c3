import { signal, type Signal } from "@preact/signals";
import { ApiError, getText } from "../api/client.ts";
import { forgetWho } from "./session.ts";

/** Something that the server has as JSON, as it was last seen. */
export interface Resource<T> {
  readonly value: Signal<T | undefined>;
  /** When it was last had, in ms since 1970; 0: never. */
  readonly atMs: Signal<number>;
  /** Why it could not be had the last time. */
  readonly problem: Signal<ApiError | undefined>;
  /** Asks at once, or after `gapMs` since the last time; calls that come meanwhile are one. */
  refresh(): void;
}

/** `path` is asked for each time anew; undefined: there is nothing to ask for. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what the path answers
export function resource<T>(path: () => string | undefined, gapMs = 2000): Resource<T> {
  const value = signal<T | undefined>(undefined);
  const problem = signal<ApiError | undefined>(undefined);
  const atMs = signal(0);
  let lastMs = 0;
  let timer: number | undefined;
  let asked = 0;
  /** Where from and what: the same once more is no news, and nothing is drawn anew for it. */
  let last: { path: string; text: string } | undefined;
  const ask = async (): Promise<void> => {
    timer = undefined;
    lastMs = Date.now();
    const wanted = path();
    if (wanted === undefined) return;
    const mine = ++asked;
    try {
      const text = await getText(wanted);
      if (mine !== asked || path() !== wanted) return;
      if (last?.path !== wanted || last.text !== text) value.value = JSON.parse(text) as T;
      last = { path: wanted, text };
      atMs.value = Date.now();
      problem.value = undefined;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (mine === asked) problem.value = error;
      if (error.status === 401) forgetWho();
    }
  };
  /** What is shown already and nobody looks at is asked for again when somebody does. */
  const askWhenSeen = (): void => {
    if (!document.hidden || value.value === undefined) void ask();
    else document.addEventListener("visibilitychange", askWhenSeen, { once: true });
  };
  return {
    value,
    atMs,
    problem,
    refresh() {
      timer ??= window.setTimeout(askWhenSeen, Math.max(0, lastMs + gapMs - Date.now()));
    },
  };
}
