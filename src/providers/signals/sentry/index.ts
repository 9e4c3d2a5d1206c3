import { parseDuration } from "../../../lib/duration.ts";
import { printMetric, type Metric } from "../../../model/metric.ts";
import type { SignalKind, SignalPorts } from "../../../model/signal-kind.ts";
import type { Given, SeriesAnswer, SeriesQuestion, SignalSource } from "../../../model/signal-source.ts";
import type { Verdict } from "../../../model/verdict.ts";
import { verdictOf, worstOf } from "../verdicts.ts";
import { openApi } from "./api.ts";
import { FLOOR_MS, queryErrors } from "./error-events.ts";
import { queryGroups } from "./error-groups.ts";
import { openReleases } from "./releases.ts";
import { HOUR_MS, querySessions } from "./sessions.ts";
import { sentryErrorsSchema, sentrySessionsSchema, type SentrySettings } from "./settings.ts";

const NOTES = [
  "It has met only an emulator, which Sentry's own client refereed; nobody has tried it on Sentry itself yet.",
  "Of a release that Sentry does not know there is no data, and not 0: create it there when it is deployed (`sentry-cli releases new`), or it is known from its first event on only. How it is called there is what `release` says.",
];

const COUNTS = new Map([
  ["errors", queryErrors],
  ["new_error_groups", queryGroups],
]);

export const sentrySignals: SignalKind = {
  summary: "Error events and new issues of a release, as Sentry counts them.",
  notes: [
    ...NOTES,
    "Sentry does not say how many requests there were, so that these are numbers of events and no rates; it samples and limits events as its projects are set up.",
    "Sentry's published description of its time series request does not list the dataset `errors`, which its own pages ask for and its source accepts.",
    "Error events are counted by buckets of 10 s. A bucket belongs to the span of the watch in which it begins, so that none is counted twice and nothing from before the release comes in; a span reaches up to one bucket further than it says, and `lag` grows by that. Crash rates are what the source `sentry.sessions` has.",
  ],
  measures: {
    "count(errors)": "error events of the release",
    "count(new_error_groups)":
      "issues that were seen for the first time, and with this release; also those that somebody resolved since",
  },
  example: `organization: acme
token: env:SENTRY_TOKEN
projects: [4501234]
environments: [production]
release: shop@{release}
search: "!level:info"
`,
  schema: sentryErrorsSchema,
  open(name, written, ports) {
    const settings = sentryErrorsSchema.parse(written);
    const { search } = settings;
    return openSource({ name, kind: "sentry", floorMs: FLOOR_MS, settings, ports }, (metric) => {
      if (metric.kind !== "count") return undefined;
      const query = COUNTS.get(metric.name);
      if (query === undefined) return undefined;
      return {
        form: "events",
        query: (api, release, question, signal) => query(api, { release, search }, question, signal),
      };
    });
  },
};

export const sentrySessionSignals: SignalKind = {
  summary:
    "Sessions of a release that crashed or met errors, of all, as Sentry's release health counts them.",
  notes: [
    ...NOTES,
    "Sentry counts sessions by the hour and no finer, and what an hour counted is known when it is over: this is for the long end of a watch. An hour belongs to the span in which it begins; one that began before the release is not read.",
  ],
  measures: {
    crashed_sessions:
      "sessions that crashed, of all: counts; crash-free sessions > 99% is `crashed_sessions < 1%`",
    errored_sessions: "sessions that were not healthy, crashed ones among them, of all: counts",
  },
  example: `organization: acme
token: env:SENTRY_TOKEN
release: shop@{release}
`,
  schema: sentrySessionsSchema,
  open(name, written, ports) {
    const settings = sentrySessionsSchema.parse(written);
    return openSource({ name, kind: "sentry.sessions", floorMs: HOUR_MS, settings, ports }, (metric) => {
      if (metric.kind !== "query") return undefined;
      const count = (["crashed_sessions", "errored_sessions"] as const).find((one) => one === metric.name);
      if (count === undefined) return undefined;
      return {
        form: "counts",
        query: (api, release, question, signal) => querySessions(api, { release, count }, question, signal),
      };
    });
  },
};

interface Measure {
  form: Given["form"];
  query(
    api: ReturnType<typeof openApi>,
    /** As Sentry calls it. */
    release: string,
    question: Pick<SeriesQuestion, "fromMs" | "toMs" | "stepMs">,
    signal: AbortSignal,
  ): Promise<SeriesAnswer>;
}

interface Opening {
  name: string;
  kind: string;
  floorMs: number;
  settings: SentrySettings;
  ports: SignalPorts;
}

function openSource(
  { name, kind, floorMs, settings, ports }: Opening,
  measureOf: (metric: Metric) => Measure | undefined,
): SignalSource {
  const api = openApi(`${name} (${kind})`, settings, ports);
  const releases = openReleases(api, settings.release);
  const noMeasure = (metric: Metric): string => `${name} does not measure ${printMetric(metric)}`;
  return {
    name,
    kind,
    traits: { lagMs: parseDuration(settings.lag)! + floorMs, floorMs, history: "range" },
    gives(metric) {
      const measure = measureOf(metric);
      return measure === undefined ? undefined : { form: measure.form, perRelease: true };
    },
    async query(question, signal) {
      signal.throwIfAborted();
      const measure = measureOf(question.metric);
      if (measure === undefined)
        return { state: "error", reason: noMeasure(question.metric), isLasting: true };
      const release = releases.nameOf(question.release);
      const isKnown = await releases.isKnown(release, signal);
      if (!isKnown.ok) return isKnown.error;
      if (!isKnown.value)
        return { state: "no-data", reason: `${api.who} knows no release ${release}`, raw: "404" };
      return await measure.query(api, release, question, signal);
    },
    async check(metrics, release, signal) {
      signal.throwIfAborted();
      const verdicts: Verdict[] = [await releases.check(signal)];
      const toMs = Math.floor(ports.clock.now().getTime() / HOUR_MS) * HOUR_MS;
      const hour = { fromMs: toMs - HOUR_MS, toMs, stepMs: HOUR_MS };
      for (const metric of metrics) {
        const measure = measureOf(metric);
        if (measure === undefined) {
          verdicts.push({ verdict: "fail", reason: noMeasure(metric) });
          continue;
        }
        const answer = await measure.query(api, releases.nameOf(release), hour, signal);
        if (answer.state === "error") verdicts.push(verdictOf(answer));
      }
      return worstOf(verdicts, `${api.who} answers`);
    },
  };
}
