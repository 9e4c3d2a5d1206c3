import * as z from "zod";
import { request, type HttpResponse } from "../../lib/http.ts";
import type { Clock } from "../../lib/clock.ts";

/** refused: GitHub answered with this status; everything else that goes wrong has none. */
export type Failed = { ok: false; reason: string; status?: number };
export type Result<Value> = { ok: true; value: Value } | Failed;

/** The REST API of one repository. https://docs.github.com/en/rest */
export interface Api {
  /** `path` below the repository, without a slash in front. Throws only the signal's reason. */
  get<Value>(path: string, schema: z.ZodType<Value>, signal: AbortSignal): Promise<Result<Value>>;
  /** Makes something. `body` as JSON. Throws only the signal's reason, and then it may have been made all the same. */
  post<Value>(
    path: string,
    body: object,
    schema: z.ZodType<Value>,
    signal: AbortSignal,
  ): Promise<Result<Value>>;
  /**
   * All pages of a list, `itemsOf` each; more than `maxPages` of them are an error. Throws only the signal's reason.
   */
  list<Page, Item>(
    path: string,
    options: ListOptions<Page, Item>,
    signal: AbortSignal,
  ): Promise<Result<Item[]>>;
}

export interface ListOptions<Page, Item> {
  schema: z.ZodType<Page>;
  itemsOf: (page: Page) => Item[];
  /** How many there are, where the answer says so. */
  totalOf?: (page: Page) => number;
  maxPages: number;
  /** Whether enough was seen, so that the rest need not be asked for. */
  isEnough?: (items: readonly Item[]) => boolean;
}

export interface ApiOptions {
  /** Of the API, without a slash at the end. */
  url: string;
  /** "acme/shop" */
  repository: string;
  token: string;
  timeoutMs: number;
  clock: Clock;
  redact: (text: string) => string;
}

const PAGE_SIZE = 100;
const MAX_BODY_BYTES = 8 * 1024 * 1024;
const QUOTED_CHARACTERS = 200;

const refusalSchema = z.object({
  message: z.string(),
  /** What exactly is wrong, in answers to what was sent. */
  errors: z.array(z.object({ message: z.string().optional() })).optional(),
});

export function openApi(options: ApiOptions): Api {
  const root = `${options.url}/repos/${options.repository}`;
  const ask = async (path: string, signal: AbortSignal, body?: object): Promise<Result<HttpResponse>> => {
    signal.throwIfAborted();
    const answer = await request({
      url: `${root}/${path}`,
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${options.token}`,
        "user-agent": "tminus",
        "x-github-api-version": "2022-11-28",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      timeoutMs: options.timeoutMs,
      maxBodyBytes: MAX_BODY_BYTES,
      // A repository that was renamed.
      redirect: "follow",
      signal,
    });
    if (answer.kind === "timeout") return failed(`GitHub gave ${answer.reason}`);
    if (answer.kind === "network-error") return failed(`GitHub could not be reached (${answer.code})`);
    if (answer.status !== (body === undefined ? 200 : 201)) return refusal(answer, options);
    if (answer.truncated) return failed(`GitHub answered more than ${MAX_BODY_BYTES} bytes`);
    return { ok: true, value: answer };
  };
  const read = <Value>(response: HttpResponse, schema: z.ZodType<Value>): Result<Value> => {
    const parsed = schema.safeParse(jsonOf(response.body));
    return parsed.success
      ? { ok: true, value: parsed.data }
      : failed("GitHub answered what is not its own JSON");
  };
  return {
    async get(path, schema, signal) {
      const asked = await ask(path, signal);
      return asked.ok ? read(asked.value, schema) : asked;
    },
    async post(path, body, schema, signal) {
      const asked = await ask(path, signal, body);
      return asked.ok ? read(asked.value, schema) : asked;
    },
    async list(path, { schema, itemsOf, totalOf, maxPages, isEnough }, signal) {
      const items: ReturnType<typeof itemsOf> = [];
      const sign = path.includes("?") ? "&" : "?";
      for (let page = 1; page <= maxPages; page++) {
        const asked = await ask(`${path}${sign}per_page=${PAGE_SIZE}&page=${page}`, signal);
        if (!asked.ok) return asked;
        const answer = read(asked.value, schema);
        if (!answer.ok) return answer;
        const found = itemsOf(answer.value);
        items.push(...found);
        const isLast =
          found.length === 0 ||
          (!hasNext(asked.value) && items.length >= (totalOf?.(answer.value) ?? items.length));
        if (isLast || isEnough?.(items) === true) return { ok: true, value: items };
      }
      return failed(`GitHub has more than ${items.length} entries of ${path.split("?", 1)[0]}`);
    },
  };
}

export function failed(reason: string): Failed {
  return { ok: false, reason };
}

function refusal(answer: HttpResponse, { token, clock, redact }: ApiOptions): Failed {
  const { status, body } = answer;
  const until = limitedUntil(answer, clock.now());
  const { message = "", errors = [] } = refusalSchema.safeParse(jsonOf(body)).data ?? {};
  const said = [message, ...errors.flatMap((error) => error.message ?? [])].join(": ");
  const quoted = redact(said).replaceAll(token, "***").replaceAll(/\s+/g, " ").slice(0, QUOTED_CHARACTERS);
  if (until !== undefined)
    return { ok: false, status, reason: `GitHub's rate limit is used up until ${until.toISOString()}` };
  const hint = status === 404 ? " (the repository does not exist, or the token may not see it)" : "";
  return {
    ok: false,
    status,
    reason: `GitHub answered ${status}${quoted === "" ? "" : `: ${quoted}`}${hint}`,
  };
}

/**
 * When a limit ends: the primary one is refused with 403 or 429 and names its end, the secondary one names a wait.
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
 */
function limitedUntil({ status, headers }: HttpResponse, now: Date): Date | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const wait = headers["retry-after"];
  if (wait !== undefined && /^\d{1,9}$/.test(wait)) return new Date(now.getTime() + Number(wait) * 1000);
  const reset = headers["x-ratelimit-reset"];
  const isUsedUp = status === 429 || headers["x-ratelimit-remaining"] === "0";
  return isUsedUp && reset !== undefined && /^\d{1,12}$/.test(reset)
    ? new Date(Number(reset) * 1000)
    : undefined;
}

function hasNext({ headers }: HttpResponse): boolean {
  return /;\s*rel="next"/.test(headers.link ?? "");
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // the schema refuses it
  }
}
