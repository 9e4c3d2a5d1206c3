import type { StepContext } from "../../model/step-kind.ts";
import type { Before } from "./measure-before.ts";
import type { WatchSettings } from "./schema.ts";

/** What is found out when planning. Plain JSON. */
export interface WatchFacts {
  /** By series (see seriesKey): what it was in the time before the plan. */
  before: Record<string, Before>;
  /** Why the watch cannot be carried out as it is written. */
  refused: Refused[];
  [key: string]: never | Record<string, Before> | Refused[];
}

/** isLasting: not because something did not answer just now. */
export type Refused = { reason: string; fix: string; isLasting: boolean };

/** What the parts of a watch are given. */
export type WatchContext = StepContext<WatchSettings, WatchFacts | null>;
