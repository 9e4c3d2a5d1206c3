/**
 * What one source said about one rule, for the time in (fromMs, toMs]; the log of a watch is a list of these, in order
 * of time. A value is about a moment, toMs: fromMs may only say since when nobody had to look.
 */
export interface Look {
  rule: string;
  source: string;
  fromMs: number;
  toMs: number;
  /** When it was asked, for what depends on waiting: blindness. Equal to toMs plus the lag when nothing was late. */
  askedAtMs: number;
  seen: Seen;
  /** The same of the previous release, for rules that compare with it. */
  control?: Seen;
}

export type Seen =
  /** visitors: the new ones that were drawn for the release; absent when the source does not know. */
  | { state: "counts"; bad: number; total: number; visitors?: number }
  | { state: "events"; count: number }
  | { state: "value"; value: number; max?: number }
  /** It answered, and there is nothing. isAlive: it had something to say about another question at the same time. */
  | { state: "no-data"; reason: string; isAlive: boolean }
  /** It did not answer. isLasting: it will not until a person acts. */
  | { state: "error"; reason: string; isLasting: boolean }
  /** What it has is too old. */
  | { state: "stale"; reason: string };

/**
 * What a tick amounts to for a rule. OK and BREACH: its value is on this or that side of its limit. UNSURE: there is too
 * little in its window to say. NODATA: the source answered, and there is nothing. ERROR: it did not answer. STALE: what
 * it has is too old. MISSED: nobody looked, and it cannot be had any more.
 */
export type TickState = "OK" | "BREACH" | "UNSURE" | "NODATA" | "ERROR" | "STALE" | "MISSED";

/** Whether the time of the look is known now: what was not answered may still be made good by a later answer. */
export function isFinal({ seen, control }: Look): boolean {
  return [seen, ...(control === undefined ? [] : [control])].every(
    ({ state }) => state !== "error" && state !== "stale" && state !== "no-data",
  );
}
