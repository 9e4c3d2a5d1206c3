import type { Actor } from "./actor.ts";
import type { TimedWord } from "./timed-word.ts";

/** That a gate need not pass. */
export interface Override extends TimedWord {
  gate: string;
  /** How it is known who let it pass; undefined for one that was made before that was kept. */
  identity?: Actor;
}

export type NewOverride = Pick<Override, "environment" | "gate" | "reason"> & { forMs: number };
