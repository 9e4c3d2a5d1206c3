import { formatDuration } from "../../lib/duration.ts";
import type { FileRecord, Forecast, LockForecast, RoundTrip } from "./rehearsal.ts";

/** A lock that the application hardly notices. */
const BRIEF_MS = 2_000;
const MAX_NAMED = 3;

/** "brief lock on users, about 2 s, reversible: yes, rows lost: 0" */
export function fileSentence(record: Omit<FileRecord, "sentence">): string {
  if (record.outcome !== "passed") {
    const what = record.outcome === "failed" ? "failed" : "could not be rehearsed";
    return record.reason === undefined ? what : `${what}: ${record.reason}`;
  }
  const { locks, total, roundTrip, statements } = record;
  const unseen = statements.some(({ seen }) => !seen.locksSeen);
  return [
    unseen && locks.length === 0 ? "locks not seen" : locksText(locks),
    totalText(total),
    ...(roundTrip === undefined ? [] : roundTripText(roundTrip)),
  ].join(", ");
}

/** Whether undoing gives back the schema: what it depends on, for people. */
function roundTripText(trip: RoundTrip): string[] {
  if (trip.state === "no-down") return ["reversible: no (there is no down section)"];
  if (trip.state === "failed") return [`reversible: no (${trip.step} failed: ${trip.reason})`];
  const lost = trip.losses.reduce((sum, { rows }) => sum + rows, 0);
  const where = trip.losses.map(({ relation, columns }) => [relation, ...columns].join(" "));
  const rows = !trip.counted
    ? "rows lost: not counted"
    : `rows lost: ${lost}${lost === 0 ? "" : ` (${some(where)})`}`;
  const wrong = [...trip.differences, ...trip.upAgain].map(({ object, change }) => `${object} ${change}`);
  return [wrong.length === 0 ? "reversible: yes" : `reversible: no (${some(wrong)})`, rows];
}

function locksText(locks: readonly LockForecast[]): string {
  const hindering = locks.filter(({ blocks }) => blocks !== "nothing");
  if (hindering.length === 0) return "no lock that anybody waits for";
  const brief = hindering.filter(({ held }) => held.state === "estimated" && held.likelyMs < BRIEF_MS);
  const long = hindering.filter((lock) => !brief.includes(lock));
  return [
    ...long.map(({ relation, blocks, held }) => {
      const time = held.state === "estimated" ? `for ${rangeText(held)}` : "for a time that is not known";
      return `lock on ${relation} ${time} (${blocks} wait)`;
    }),
    ...(brief.length === 0 ? [] : [`brief lock on ${some(brief.map(({ relation }) => relation))}`]),
  ].join(", ");
}

export function totalText(total: Forecast): string {
  if (total.state === "unknown") return `time not known (${total.reason})`;
  return total.likelyMs < 1 ? "under 1 ms" : `about ${formatDuration(total.likelyMs)}`;
}

export function rangeText({ lowMs, highMs }: { lowMs: number; highMs: number }): string {
  return `${formatDuration(lowMs)} to ${formatDuration(highMs)}`;
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).join(", ");
  return names.length > MAX_NAMED ? `${shown} and ${names.length - MAX_NAMED} more` : shown;
}
