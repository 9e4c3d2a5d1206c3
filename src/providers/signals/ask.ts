import { request, type HttpRequest, type HttpResponse } from "../../lib/http.ts";
import type { SeriesAnswer } from "../../model/signal-source.ts";

export type SeriesError = Extract<SeriesAnswer, { state: "error" }>;

export type Asked =
  | { ok: true; response: HttpResponse }
  /** status: of a refusal. isTooLarge: less may be asked for. */
  | { ok: false; error: SeriesError; status?: number; isTooLarge?: true };

export interface AskOptions {
  request: HttpRequest;
  /** Who is asked, for the reason; never an address that may hold a secret. */
  who: string;
  /** For a Retry-After that is a date. */
  now: Date;
  /** Masks secrets in what the other side says. */
  redact: (text: string) => string;
  /** What the body of a refusal says; the body's beginning when left out or undefined. */
  messageOf?: (body: string) => string | undefined;
  /** Milliseconds to wait, from headers of the server's own, where it sent no Retry-After. */
  waitOf?: (headers: Readonly<Record<string, string>>) => number | undefined;
}

const QUOTED_CHARACTERS = 300;

/** Of the 4xx, what may be otherwise a moment later: Request Timeout, Too Early, Too Many Requests. */
const PASSING = new Set([408, 425, 429]);

/**
 * One request of a signal source: its complete 2xx answer, or the error that the source answers with. A refusal lasts
 * when it is about the request itself (4xx, a redirect), so that only a person can end it. Throws only the reason of
 * the request's signal.
 */
export async function ask(options: AskOptions): Promise<Asked> {
  const { request: asked, who } = options;
  asked.signal?.throwIfAborted();
  let answer;
  try {
    answer = await request(asked);
  } catch (error) {
    asked.signal?.throwIfAborted();
    if (error instanceof TypeError)
      return refused(`${who} cannot be asked: ${options.redact(error.message)}`, true);
    throw error;
  }
  if (answer.kind === "timeout") return refused(`${who} gave ${answer.reason}`, false);
  if (answer.kind === "network-error") return refused(`${who} could not be reached (${answer.code})`, false);
  const { status } = answer;
  if (status >= 200 && status <= 299) {
    if (!answer.truncated) return { ok: true, response: answer };
    const bytes = asked.maxBodyBytes ?? 1024 * 1024;
    return { ...refused(`${who} answered more than ${bytes} bytes`, false), isTooLarge: true };
  }
  const isLasting = status >= 300 && status <= 499 && !PASSING.has(status);
  const said = quoted(options.messageOf?.(answer.body) ?? answer.body, options);
  const { headers } = answer;
  const retryAfterMs = isLasting
    ? undefined
    : (retryAfter(headers["retry-after"], options.now) ??
      (status === 429 ? options.waitOf?.(headers) : undefined));
  return {
    ok: false,
    status,
    error: {
      state: "error",
      reason: `${who} answered ${status}${said === "" ? "" : `: ${said}`}`,
      isLasting,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  };
}

function refused(reason: string, isLasting: boolean): Asked & { ok: false } {
  return { ok: false, error: { state: "error", reason, isLasting } };
}

/** The beginning of what was said, on one line, without what was sent as credentials. */
function quoted(text: string, { request: { headers = {} }, redact }: AskOptions): string {
  let masked = redact(text);
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() !== "authorization") continue;
    const token = value.replace(/^\S+\s+/, "");
    masked = masked.replaceAll(value, "***").replaceAll(token, "***");
  }
  const line = masked.replaceAll(/\s+/g, " ").trim();
  return line.length > QUOTED_CHARACTERS ? `${line.slice(0, QUOTED_CHARACTERS)}…` : line;
}

/** Seconds or a date, by RFC 9110 §10.2.3; undefined when it is neither. */
function retryAfter(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}
