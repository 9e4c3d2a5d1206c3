import type { IncomingMessage, ServerResponse } from "node:http";
// The package's index names its files without endings, so that TypeScript would take everything in it for any.
import type {
  ListAnOrganizationSReleasesResponse,
  ListAnOrganizationSissuesResponse,
  QueryExploreEventsInTimeseriesFormatResponse,
  RetrieveReleaseHealthSessionStatisticsResponse,
} from "../../node_modules/@sentry/api/dist/types.gen.d.ts";
import { openFaultServer, type FaultServer } from "./fault-server.ts";

export const TOKEN = "sntrys_do-not-print-me";
export const ORGANIZATION = "acme";

export interface SentryEmulator extends FaultServer {
  /** Every request that was answered: path with query, and headers. */
  readonly requests: { path: string; headers: IncomingMessage["headers"] }[];
  addRelease(version: string): void;
  addErrors(events: readonly { release: string; atMs: number; level?: string }[]): void;
  addIssues(issues: readonly { firstRelease: string; firstSeenMs: number }[]): void;
  addSessions(sessions: readonly { release: string; atMs: number; status: string; count: number }[]): void;
  /** The next request is refused with 429, and this as the time of the next window, in ms since 1970. */
  throttle(resetMs: number): void;
  /** Events that are younger are still coming in. */
  setNow(ms: number): void;
}

type Series = QueryExploreEventsInTimeseriesFormatResponse;
/** Without what only `expand` adds, and what `collapse=stats` leaves out. */
type Issues = Omit<
  ListAnOrganizationSissuesResponse[number],
  | "sessionCount"
  | "inbox"
  | "owners"
  | "pluginActions"
  | "pluginIssues"
  | "integrationIssues"
  | "sentryAppIssues"
  | "latestEventHasAttachments"
  | "stats"
>[];
type Sessions = RetrieveReleaseHealthSessionStatisticsResponse;
type Releases = ListAnOrganizationSReleasesResponse;

/** How a fault changes what is answered. */
interface Changes {
  series?: (answer: Series) => Series;
  issues?: (answer: Issues) => Issues;
  sessions?: (answer: Sessions) => Sessions;
  knowsNothing?: true;
}

const INGESTION_DELAY_MS = 90_000;
const PAGE_SIZE = 100;

/**
 * Sentry's API as its documentation, its published description (whose types hold the answers) and its source describe
 * it: buckets that begin at multiples of their length, 0 where there were no events, pages by cursors.
 */
export async function openSentryEmulator(): Promise<SentryEmulator> {
  const world: World = { releases: [], errors: [], issues: [], sessions: [], nowMs: Infinity };
  const requests: SentryEmulator["requests"] = [];
  let resetMs: number | undefined;
  const serve =
    (changes: Changes) =>
    (request: IncomingMessage, response: ServerResponse): void => {
      const answer = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
        response.writeHead(status, { "content-type": "application/json", ...headers });
        response.end(JSON.stringify(body));
      };
      requests.push({ path: request.url ?? "", headers: request.headers });
      if (resetMs !== undefined) {
        const reset = String(resetMs / 1000);
        resetMs = undefined;
        const detail =
          "You are attempting to use this endpoint too frequently. Limit is 30 requests in 1 seconds";
        return answer(
          429,
          { detail },
          { "x-sentry-rate-limit-reset": reset, "x-sentry-rate-limit-remaining": "0" },
        );
      }
      if (request.headers.authorization !== `Bearer ${TOKEN}`)
        return answer(401, { detail: "Invalid token" });
      const url = new URL(request.url ?? "", "http://host");
      const [, organization, rest = ""] = /^\/api\/0\/organizations\/([^/]+)\/(.*)$/.exec(url.pathname) ?? [];
      if (organization !== ORGANIZATION)
        return answer(404, { detail: "The requested resource does not exist" });
      const seen = changes.knowsNothing === true ? { ...world, releases: [] } : world;
      const reply = route(seen, rest, url, changes);
      if ("refused" in reply) return answer(reply.refused, { detail: reply.detail });
      answer(200, reply.body, reply.headers);
    };
  const server = await openFaultServer({
    serve: serve({}),
    faults: {
      empty: serve({
        knowsNothing: true,
        series: (answer) => ({ ...answer, timeSeries: [] }),
        sessions: (answer) => ({ ...answer, groups: [] }),
      }),
      "not-a-number": serve({
        // What JSON makes of NaN.
        series: (answer) => withValues(answer, (point) => ({ ...point, value: null as unknown as number })),
        issues: (answer) => answer.map((issue) => ({ ...issue, firstSeen: null })),
        sessions: (answer) => withSeries(answer, (series) => series.map(() => null)),
      }),
      stale: serve({
        series: (answer) => {
          const { start = 0, end = 0 } = answer.meta ?? {};
          return withValues(answer, (point) => ({
            ...point,
            incomplete: point.timestamp >= (start + end) / 2,
          }));
        },
        sessions: (answer) =>
          withSeries(answer, (series) =>
            series.map((value, index) => (index < Math.floor(series.length / 2) ? value : null)),
          ),
      }),
    },
  });
  return {
    ...server,
    requests,
    addRelease: (version) => void world.releases.push(version),
    addErrors: (events) => void world.errors.push(...events),
    addIssues: (issues) => void world.issues.push(...issues),
    addSessions: (sessions) => void world.sessions.push(...sessions),
    throttle: (ms) => void (resetMs = ms),
    setNow: (ms) => void (world.nowMs = ms),
  };
}

interface World {
  releases: string[];
  errors: { release: string; atMs: number; level?: string }[];
  issues: { firstRelease: string; firstSeenMs: number }[];
  sessions: { release: string; atMs: number; status: string; count: number }[];
  nowMs: number;
}

type Reply = { body: unknown; headers?: Record<string, string> } | { refused: number; detail: string };

function route(world: World, path: string, url: URL, changes: Changes): Reply {
  const parameters = url.searchParams;
  const version = /^releases\/([^/]+)\/$/.exec(path)?.[1];
  if (version !== undefined) {
    const name = decodeURIComponent(version);
    return world.releases.includes(name)
      ? { body: releaseOf(name) }
      : { refused: 404, detail: "The requested resource does not exist" };
  }
  switch (path) {
    case "releases/": {
      const beginning = parameters.get("query") ?? "";
      return { body: world.releases.filter((name) => name.startsWith(beginning)).map(releaseOf) };
    }
    case "events-timeseries/": {
      const answer = timeSeries(world, parameters);
      return "refused" in answer ? answer : { body: changes.series?.(answer) ?? answer };
    }
    case "issues/": {
      const { issues, cursor } = issuesOf(world, parameters);
      const next = `<${url.href.replace(/&cursor=[^&]*/, "")}&cursor=${cursor.at}>; rel="next"; results="${cursor.more}"; cursor="${cursor.at}"`;
      const link = `<${url.href}&cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1", ${next}`;
      return { body: changes.issues?.(issues) ?? issues, headers: { link } };
    }
    case "sessions/": {
      const answer = sessionsOf(world, parameters);
      return "refused" in answer ? answer : { body: changes.sessions?.(answer) ?? answer };
    }
    default:
      return { refused: 404, detail: "The requested resource does not exist" };
  }
}

function timeSeries(world: World, parameters: URLSearchParams): Series | { refused: number; detail: string } {
  const { start, end, release, level } = conditions(parameters);
  const lengthMs = Number(parameters.get("interval")) * 1000;
  if (parameters.get("dataset") !== "errors")
    return { refused: 400, detail: "dataset must be one of: discover, errors, logs, spans" };
  if (!(end > start) || lengthMs > end - start || (end - start) / lengthMs > 10_000)
    return { refused: 400, detail: "Your interval and date range would create too many results." };
  const values: Series["timeSeries"][number]["values"] = [];
  for (let at = Math.floor(start / lengthMs) * lengthMs; at < end; at += lengthMs) {
    const inside = world.errors.filter(
      (event) =>
        event.release === release &&
        event.level !== level &&
        event.atMs >= Math.max(at, start) &&
        event.atMs < Math.min(at + lengthMs, end),
    );
    const isOpen = at + lengthMs >= world.nowMs - INGESTION_DELAY_MS;
    values.push({
      timestamp: at,
      value: inside.length,
      incomplete: isOpen,
      ...(isOpen ? { incompleteReason: "INCOMPLETE_BUCKET" } : {}),
    });
  }
  return {
    meta: { dataset: "errors", start, end },
    timeSeries: [
      { values, yAxis: "count()", meta: { valueType: "integer", valueUnit: null, interval: lengthMs } },
    ],
  };
}

function issuesOf(
  world: World,
  parameters: URLSearchParams,
): { issues: Issues; cursor: { at: string; more: boolean } } {
  const { release } = conditions(parameters);
  const offset = Number(parameters.get("cursor")?.split(":")[1] ?? 0);
  const size = Math.min(PAGE_SIZE, Number(parameters.get("limit") ?? PAGE_SIZE));
  const all = world.issues
    .filter(({ firstRelease }) => firstRelease === release)
    .toSorted((one, other) => other.firstSeenMs - one.firstSeenMs);
  return {
    issues: all
      .slice(offset, offset + size)
      .map(({ firstSeenMs }, index) => issueOf(String(offset + index), firstSeenMs)),
    cursor: { at: `0:${offset + size}:0`, more: all.length > offset + size },
  };
}

function sessionsOf(
  world: World,
  parameters: URLSearchParams,
): Sessions | { refused: number; detail: string } {
  const hourMs = 3_600_000;
  const { start, end, release } = conditions(parameters);
  if (parameters.get("interval") !== "1h")
    return { refused: 400, detail: "The interval has to be a multiple of the minimum interval of one hour." };
  const [from, to] = [Math.floor(start / hourMs) * hourMs, Math.ceil(end / hourMs) * hourMs];
  const hours = Array.from({ length: (to - from) / hourMs }, (_, index) => from + index * hourMs);
  const own = world.sessions.filter((session) => session.release === release);
  const isThere = own.some(({ atMs }) => atMs >= from && atMs < to);
  return {
    start: isoSeconds(from),
    end: isoSeconds(to),
    query: parameters.get("query") ?? "",
    intervals: hours.map(isoSeconds),
    groups: (isThere ? ["abnormal", "crashed", "errored", "healthy"] : []).map((status) => ({
      by: { "session.status": status },
      series: {
        "sum(session)": hours.map((hour) =>
          own
            .filter((one) => one.status === status && one.atMs >= hour && one.atMs < hour + hourMs)
            .reduce((sum, { count }) => sum + count, 0),
        ),
      },
      totals: {},
    })),
  };
}

/** What is asked for; the search knows a release, and a level that is excluded. */
function conditions(parameters: URLSearchParams): {
  start: number;
  end: number;
  release: string | undefined;
  level: string | undefined;
} {
  const search = parameters.get("query") ?? "";
  return {
    start: Date.parse(`${parameters.get("start") ?? ""}Z`),
    end: Date.parse(`${parameters.get("end") ?? ""}Z`),
    release: /(?:^| )(?:release|firstRelease):"((?:[^"\\]|\\.)*)"/
      .exec(search)?.[1]
      ?.replaceAll(/\\(.)/g, "$1"),
    level: / !level:(\w+)/.exec(search)?.[1] ?? "none",
  };
}

function withValues(
  answer: Series,
  change: (
    point: Series["timeSeries"][number]["values"][number],
  ) => Series["timeSeries"][number]["values"][number],
): Series {
  return {
    ...answer,
    timeSeries: answer.timeSeries.map((one) => ({ ...one, values: one.values.map(change) })),
  };
}

function withSeries(answer: Sessions, change: (series: (number | null)[]) => (number | null)[]): Sessions {
  const groups = answer.groups.map((group) => ({
    ...group,
    series: { "sum(session)": change(group.series["sum(session)"] ?? []) },
  }));
  return { ...answer, groups };
}

function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function releaseOf(version: string): Releases[number] {
  return {
    authors: [],
    commitCount: 0,
    data: {},
    dateCreated: "2026-01-05T10:00:00Z",
    dateReleased: null,
    deployCount: 0,
    firstEvent: null,
    lastCommit: null,
    lastDeploy: null,
    lastEvent: null,
    newGroups: 0,
    owner: null,
    projects: [{ name: "shop", slug: "shop" }],
    ref: null,
    shortVersion: version,
    version,
    url: null,
  };
}

function issueOf(id: string, firstSeenMs: number): Issues[number] {
  return {
    id,
    shareId: "",
    shortId: `SHOP-${id}`,
    title: "Error: it broke",
    culprit: null,
    permalink: `https://acme.sentry.io/issues/${id}/`,
    logger: null,
    level: "error",
    status: "unresolved",
    statusDetails: {},
    substatus: "new",
    isPublic: false,
    platform: "node",
    priority: "high",
    priorityLockedAt: null,
    seerFixabilityScore: null,
    seerAutofixLastTriggered: null,
    project: { id: "1", name: "shop", slug: "shop", platform: "node" },
    type: "error",
    issueType: "error",
    issueCategory: "error",
    metadata: {},
    numComments: 0,
    assignedTo: { type: "user", id: "1", name: "mia" },
    isBookmarked: false,
    isSubscribed: false,
    subscriptionDetails: null,
    hasSeen: false,
    annotations: [],
    isUnhandled: true,
    count: "1",
    userCount: 0,
    firstSeen: new Date(firstSeenMs).toISOString(),
    lastSeen: new Date(firstSeenMs).toISOString(),
    lifetime: {},
    filtered: null,
  };
}
