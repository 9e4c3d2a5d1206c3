import type { TimedWord } from "../model/timed-word.ts";

/** What every table of such words has. */
export interface TimedWordRow {
  id: number;
  environment: string;
  by: string;
  reason: string;
  at: Date;
  until: Date;
  ended_at: Date | null;
  ended_by: string | null;
}

export function toTimedWord(row: TimedWordRow): TimedWord {
  const { id, environment, by, reason, at, until, ended_at: endedAt, ended_by: endedBy } = row;
  const ended = endedAt === null || endedBy === null ? {} : { ended: { by: endedBy, at: endedAt } };
  return { id, environment, by, reason, at, until, ...ended };
}
