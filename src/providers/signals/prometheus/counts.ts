import type { CountPoint, SeriesAnswer, SeriesQuestion } from "../../../model/signal-source.ts";
import { fillRelease, selectorOf } from "../selector.ts";
import type { Api } from "./api.ts";
import { readCounters, type Counters } from "./counters.ts";
import { increasesOf, sumsOf, type Steps } from "./increases.ts";
import type { CountsQuery, EventsQuery } from "../queries.ts";

/** How many of how many: the growth of the counters, exactly as sampled, in the step of the later sample. */
export async function queryCounts(
  api: Api,
  query: CountsQuery,
  question: SeriesQuestion & { intervalMs: number },
  signal: AbortSignal,
): Promise<SeriesAnswer> {
  const { release, intervalMs } = question;
  const bad = fillRelease(selectorOf(query.bad), release);
  const total = fillRelease(selectorOf(query.total), release);
  const common = { names: [total, bad], steps: question, intervalMs };
  const [ofTotal, ofBad] = await Promise.all([
    readCounters(api, { ...common, selector: total }, signal),
    readCounters(api, { ...common, selector: bad }, signal),
  ]);
  if (!ofTotal.ok) return ofTotal.error;
  if (!ofBad.ok) return ofBad.error;
  const { nothing, known } = ofTotal.value;
  return countsAnswer(known, grown(ofBad.value, question), grown(ofTotal.value, question), question, nothing);
}

/** How many events: counted as in queryCounts, with a total of 0. */
export async function queryEvents(
  api: Api,
  query: EventsQuery,
  question: SeriesQuestion & { intervalMs: number },
  signal: AbortSignal,
): Promise<SeriesAnswer> {
  const { release, intervalMs } = question;
  const selector = fillRelease(selectorOf(query.events), release);
  const read = await readCounters(api, { selector, names: [selector], steps: question, intervalMs }, signal);
  if (!read.ok) return read.error;
  const { known, nothing } = read.value;
  const events = grown(read.value, question);
  const points = pointsOf(known, question, (step) => ({ bad: events.get(step) ?? 0, total: 0 }));
  return points.length === 0 ? { state: "no-data", ...nothing } : { state: "counts", points };
}

/** Of counters that are not read in one scrape, or are no part of the total, more may seem bad than there are. */
export function countsAnswer(
  known: ReadonlySet<number>,
  bad: ReadonlyMap<number, number>,
  total: ReadonlyMap<number, number>,
  steps: Steps,
  nothing: Counters["nothing"],
): SeriesAnswer {
  const points = pointsOf(known, steps, (step) => {
    const all = total.get(step) ?? 0;
    return { bad: Math.min(bad.get(step) ?? 0, all), total: all };
  });
  return points.length === 0 ? { state: "no-data", ...nothing } : { state: "counts", points };
}

function grown({ series, isBorn, restartsOf }: Counters, steps: Steps): Map<number, number> {
  const increases = series.flatMap((one) =>
    increasesOf(one, steps.fromMs, (atMs) => isBorn(one, atMs), restartsOf(one)),
  );
  return sumsOf(increases, steps);
}

function pointsOf(
  known: ReadonlySet<number>,
  { fromMs, stepMs }: Steps,
  countsOf: (step: number) => { bad: number; total: number },
): CountPoint[] {
  return [...known]
    .toSorted((a, b) => a - b)
    .map((step) => ({
      fromMs: fromMs + step * stepMs,
      toMs: fromMs + (step + 1) * stepMs,
      ...countsOf(step),
    }));
}
