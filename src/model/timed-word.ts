/** How long a person's word may let something pass (requirement B9: never indefinitely). */
export const MAX_WORD_MS = 8 * 3_600_000;

/** A named person's word that lets something pass in an environment, for a time. */
export interface TimedWord {
  id: number;
  environment: string;
  by: string;
  reason: string;
  at: Date;
  until: Date;
  /** Taken back before its time. */
  ended?: { by: string; at: Date };
}
