import type { Json } from "./json.ts";

/**
 * The answer of everything that decides. `unknown` means that it could not be found out: it is never treated
 * as a pass, and never as a failure of the thing that was asked about.
 */
export type Verdict =
  | { verdict: "pass"; reason: string; evidence?: Json }
  | { verdict: "fail"; reason: string; evidence?: Json }
  | { verdict: "unknown"; reason: string; evidence?: Json };

/** What was seen of a thing outside: it is there, it is certainly not there, or nobody could tell. */
export type Observed<T> =
  | { state: "present"; value: T }
  | { state: "absent" }
  | { state: "unknown"; reason: string };
