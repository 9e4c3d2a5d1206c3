import { formatDuration } from "../../lib/duration.ts";

/** Counts pages and rows, and says how fast it goes and how long it will still take. */
export interface ProgressMeter {
  /** Begins a phase: its name, and how many pages it has. */
  phase(name: string, pages: number, donePages: number): void;
  /** So much of it is done now. */
  at(donePages: number, rows: number): void;
  /** Why nothing moves at the moment; undefined when it does. */
  holding(reason: string | undefined): void;
  /** One line for people: "public.users: filling 43 % · 2,150,000 rows · 231,000 rows/s · about 12 s left". */
  line(nowMs: number): string;
}

/** How much a new rate counts against those before. */
const WEIGHT = 0.4;

export function openMeter(title: string): ProgressMeter {
  let state = { name: "starting", pages: 0, done: 0, rows: 0 };
  let reason: string | undefined;
  let last: { ms: number; done: number; rows: number } | undefined;
  let pageRate = 0;
  let rowRate = 0;
  const measure = (nowMs: number): void => {
    const seconds = last === undefined ? 0 : (nowMs - last.ms) / 1000;
    if (last !== undefined && seconds > 0 && state.done >= last.done) {
      const smooth = (rate: number, now: number): number =>
        rate === 0 ? now : rate * (1 - WEIGHT) + now * WEIGHT;
      pageRate = smooth(pageRate, (state.done - last.done) / seconds);
      rowRate = smooth(rowRate, (state.rows - last.rows) / seconds);
    }
    last = { ms: nowMs, done: state.done, rows: state.rows };
  };
  return {
    phase(name, pages, donePages) {
      state = { ...state, name, pages, done: donePages };
      last = undefined;
      pageRate = 0;
      rowRate = 0;
    },
    at(done, rows) {
      state = { ...state, done, rows };
    },
    holding(given) {
      reason = given;
    },
    line(nowMs) {
      measure(nowMs);
      const percent = state.pages === 0 ? 0 : Math.floor((100 * state.done) / state.pages);
      const parts = [`${title}: ${state.name} ${percent} %`, `${count(state.rows)} rows`];
      if (reason !== undefined) parts.push(reason);
      else if (pageRate > 0) {
        parts.push(`${count(rowRate)} rows/s`);
        parts.push(`about ${formatDuration((1000 * (state.pages - state.done)) / pageRate)} left`);
      }
      return parts.join(" · ");
    },
  };
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
