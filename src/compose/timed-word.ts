import { TminusError } from "../errors.ts";
import { formatDuration } from "../lib/duration.ts";
import { MAX_WORD_MS } from "../model/timed-word.ts";

const MIN_WORD_MS = 1_000;

/** Refuses what would hold for no time or for too long. `what`: "a gate cannot be overridden". Errors: USAGE_INVALID. */
export function checkLength(forMs: number, what: string, more = ""): void {
  if (forMs >= MIN_WORD_MS && forMs <= MAX_WORD_MS) return;
  throw new TminusError("USAGE_INVALID", `${what} for ${formatDuration(forMs)}`, {
    hint: `Take at most ${formatDuration(MAX_WORD_MS)}: --for 2h.${more}`,
  });
}
