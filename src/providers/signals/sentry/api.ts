import * as z from "zod";
import { parseDuration } from "../../../lib/duration.ts";
import type { SignalPorts } from "../../../model/signal-kind.ts";
import { ask, type SeriesError } from "../ask.ts";
import type { SentrySettings } from "./settings.ts";

export type Failed = { ok: false; error: SeriesError; status?: number };
export type Result<Value> = { ok: true; value: Value } | Failed;

/** What the projects and environments of a source are asked. https://docs.sentry.io/api/ */
export interface Api {
  /** Of the source, for what is said about it. */
  readonly who: string;
  /** `path` below the organization, with a slash at the end. No project or environment is added to releases. */
  get<Value>(
    path: string,
    parameters: Parameters,
    schema: z.ZodType<Value>,
    signal: AbortSignal,
  ): Promise<Result<Page<Value>>>;
  /** The projects and environments, as parameters. */
  readonly scope: Parameters;
}

/** Names with values, some names more than once. */
export type Parameters = readonly (readonly [string, string])[];

export interface Page<Value> {
  value: Value;
  /** Cursor of the next page; undefined on the last one. */
  next: string | undefined;
}

const MAX_BODY_BYTES = 16 * 1024 * 1024;

const refusalSchema = z.object({
  detail: z.union([z.string(), z.object({ message: z.string() }).transform(({ message }) => message)]),
});

/** Opens no connection yet. No method throws but the signal's reason. Errors: SECRET_MISSING. */
export function openApi(who: string, settings: SentrySettings, ports: SignalPorts): Api {
  const root = `${settings.url.replace(/\/+$/, "")}/api/0/organizations/${settings.organization}`;
  const authorization = `Bearer ${ports.secret(settings.token).reveal()}`;
  const projects = settings.projects.length === 0 ? [-1] : settings.projects;
  return {
    who,
    scope: [
      ...projects.map((id): [string, string] => ["project", String(id)]),
      ...settings.environments.map((name): [string, string] => ["environment", name]),
    ],
    async get(path, parameters, schema, signal) {
      const query = new URLSearchParams(
        [...parameters].map(([name, value]): [string, string] => [name, value]),
      ).toString();
      const asked = await ask({
        request: {
          url: `${root}/${path}${query === "" ? "" : `?${query}`}`,
          headers: { authorization },
          timeoutMs: parseDuration(settings.timeout)!,
          maxBodyBytes: MAX_BODY_BYTES,
          signal,
        },
        who,
        now: ports.clock.now(),
        redact: ports.redact,
        messageOf,
        waitOf: (headers) => waitOf(headers, ports.clock.now()),
      });
      if (!asked.ok) return asked;
      const { body, headers } = asked.response;
      const read = schema.safeParse(parsed(body));
      if (!read.success) return failed(`${who} answered what is not Sentry's own JSON`);
      return { ok: true, value: { value: read.data, next: nextCursor(headers.link ?? "") } };
    },
  };
}

/** An error that may pass. */
export function failed(reason: string): Failed {
  return { ok: false, error: { state: "error", reason, isLasting: false } };
}

/** A text as one word of Sentry's search, without meaning of its own. */
export function quoted(text: string): string {
  return `"${text.replaceAll(/["\\*]/g, "\\$&")}"`;
}

/** UTC, as Sentry writes it in its documentation. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, -1);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** <…>; rel="next"; results="true"; cursor="0:100:0". https://docs.sentry.io/api/pagination/ */
function nextCursor(link: string): string | undefined {
  const next = link.split(/,\s*(?=<)/).find((part) => /;\s*rel="next"/.test(part));
  if (next === undefined || !/;\s*results="true"/.test(next)) return undefined;
  return /;\s*cursor="([^"]+)"/.exec(next)?.[1];
}

/** A time in seconds; too many at once, and not in all, is over sooner. https://docs.sentry.io/api/ratelimits/ */
function waitOf(headers: Readonly<Record<string, string>>, now: Date): number | undefined {
  const reset = headers["x-sentry-rate-limit-reset"];
  if (reset === undefined || !/^\d+(\.\d+)?$/.test(reset)) return undefined;
  return Math.max(1000, Math.ceil(Number(reset) * 1000 - now.getTime()));
}

function messageOf(body: string): string | undefined {
  return refusalSchema.safeParse(parsed(body)).data?.detail;
}
