import type { TimedWord } from "./timed-word.ts";

/** That a gate need not pass. */
export interface Override extends TimedWord {
  gate: string;
}

export type NewOverride = Pick<Override, "environment" | "gate" | "by" | "reason"> & { forMs: number };
