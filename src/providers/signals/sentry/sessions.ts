import * as z from "zod";
import type { SeriesAnswer, SeriesQuestion } from "../../../model/signal-source.ts";
import { bucketsFor, spansOf } from "../buckets.ts";
import { quoted, timeText, type Api } from "./api.ts";

/** Sentry counts sessions by the hour and no finer. */
export const HOUR_MS = 3_600_000;
const MAX_DAYS = 40;

/** In a session that crashed the process ended; one that errored went on. Crashed ones are errored ones too. */
export type SessionCount = "crashed_sessions" | "errored_sessions";

const FIELD = "sum(session)";
const sessionsSchema = z.object({
  intervals: z.array(z.string()),
  groups: z.array(
    z.object({
      by: z.object({ "session.status": z.string() }),
      series: z.object({ [FIELD]: z.array(z.union([z.number(), z.null()])) }),
    }),
  ),
});

/** https://docs.sentry.io/api/releases/retrieve-release-health-session-statistics/ */
export async function querySessions(
  api: Api,
  { release, count }: { release: string; count: SessionCount },
  question: Pick<SeriesQuestion, "fromMs" | "toMs" | "stepMs">,
  signal: AbortSignal,
): Promise<SeriesAnswer> {
  const buckets = bucketsFor(question, HOUR_MS);
  if (buckets.toMs - buckets.fromMs > MAX_DAYS * 24 * HOUR_MS)
    return lasting(`${api.who} is asked for at most ${MAX_DAYS} days`);
  const none = { bad: new Map<number, number>(), total: new Map<number, number>() };
  if (buckets.fromMs === buckets.toMs) return { state: "counts", points: spansOf(question, buckets, none) };
  const parameters = [
    ["field", FIELD],
    ["groupBy", "session.status"],
    ["interval", "1h"],
    ["start", timeText(buckets.fromMs)],
    ["end", timeText(buckets.toMs)],
    ["query", `release:${quoted(release)}`],
    ["includeTotals", "0"],
    ...api.scope,
  ] as const;
  const answer = await api.get("sessions/", parameters, sessionsSchema, signal);
  if (!answer.ok) return answer.error;
  const { intervals, groups } = answer.value.value;
  const isBad = (status: string): boolean =>
    count === "crashed_sessions" ? status === "crashed" : status !== "healthy";
  const [bad, total] = [new Map<number, number>(), new Map<number, number>()];
  for (const { by, series } of groups)
    for (const [index, interval] of intervals.entries()) {
      const value = series[FIELD][index];
      const at = Date.parse(interval);
      if (typeof value !== "number" || at < buckets.fromMs || at >= buckets.toMs) continue;
      total.set(at, (total.get(at) ?? 0) + value);
      if (isBad(by["session.status"])) bad.set(at, (bad.get(at) ?? 0) + value);
    }
  const points = spansOf(question, buckets, { bad, total });
  if (points.length > 0) return { state: "counts", points };
  const raw = JSON.stringify(groups[0]?.series[FIELD] ?? []);
  return { state: "no-data", reason: `${api.who} has no sessions of ${release} at that time`, raw };
}

function lasting(reason: string): SeriesAnswer {
  return { state: "error", reason, isLasting: true };
}
