import * as z from "zod";
import { parseDuration } from "../../lib/duration.ts";
import { jsonPathProblem, selectJson } from "../../lib/json-path.ts";
import { printMetric, type Metric } from "../../model/metric.ts";
import { idSchema } from "../../model/runbook.ts";
import type { SignalKind, SignalPorts } from "../../model/signal-kind.ts";
import type { Given, SeriesAnswer, SeriesQuestion, SignalSource } from "../../model/signal-source.ts";
import type { Verdict } from "../../model/verdict.ts";
import { ask } from "./ask.ts";
import { verdictOf, worstOf } from "./verdicts.ts";
import {
  addressSchema,
  authorization,
  credentialFields,
  hasOneCredential,
  oneCredentialIssue,
  openAddress,
  timeoutSchema,
} from "./web-settings.ts";

const jsonPathSchema = z
  .string()
  .max(1000)
  .superRefine((path, context) => {
    const problem = jsonPathProblem(path);
    if (problem !== undefined)
      context.addIssue({ code: "custom", message: `is not a JSONPath that can be used: ${problem}` });
  });

const pathSchema = z
  .string()
  .startsWith("/")
  .max(2000)
  .default("/")
  .describe("Path on that address; {release} stands for the release");

const jsonSchema = z.strictObject({
  path: pathSchema,
  json: jsonPathSchema.describe("JSONPath (RFC 9535) of the one number in the answer: $.queue.length"),
  max: z
    .union([z.number(), jsonPathSchema])
    .optional()
    .describe("Greatest possible value, a number or a JSONPath, for rules in % of max"),
});

const timeSchema = z.strictObject({
  path: pathSchema,
  time: z.literal(true).describe("The value is how long the answer took to come, in milliseconds"),
});

const schema = z
  .strictObject({
    url: addressSchema
      .optional()
      .describe("Address of the server, or its reference; the environment's url when left out"),
    ...credentialFields,
    timeout: timeoutSchema,
    values: z
      .record(idSchema, z.union([jsonSchema, timeSchema]))
      .refine((values) => Object.keys(values).length > 0, "is empty")
      .describe("What to ask for, by the name that rules give it"),
  })
  .refine(hasOneCredential, oneCredentialIssue);

type Settings = z.output<typeof schema>;
type Query = Settings["values"][string];

/** The kind's entry among the sources. */
export const httpSignals: SignalKind = {
  summary: "A number in the JSON that an address answers with, or the time that the answer takes.",
  notes: [
    "Each question is one GET. Only an answer of 2xx is one; a redirect is not followed. What is not asked for is lost: only the present is known.",
    "The time is that of a new visitor: the connection is made anew, and the answer must be complete.",
  ],
  example: `url: https://shop.example.com
values:
  queue:
    path: /internal/stats
    json: $.queue.length
    max: $.queue.limit
  home_ms:
    path: /
    time: true
`,
  schema,
  open: (name, settings, ports) => new HttpSource(name, schema.parse(settings), ports),
};

class HttpSource implements SignalSource {
  readonly kind: string = "http";
  readonly name: string;
  readonly traits: SignalSource["traits"] = { lagMs: 0, floorMs: 0, history: "now" };
  readonly #settings: Settings;
  readonly #ports: SignalPorts;
  readonly #url: string;
  readonly #headers: Record<string, string>;

  constructor(name: string, settings: Settings, ports: SignalPorts) {
    this.name = name;
    this.#settings = settings;
    this.#ports = ports;
    const url = settings.url === undefined ? ports.url : openAddress(settings.url, ports.secret);
    this.#url = url.replace(/\/+$/, "");
    this.#headers = authorization(settings, ports.secret);
  }

  gives(metric: Metric): Given | undefined {
    const query = this.#queryFor(metric);
    return query === undefined ? undefined : { form: "values", perRelease: query.path.includes("{release}") };
  }

  async check(metrics: readonly Metric[], release: string, signal: AbortSignal): Promise<Verdict> {
    signal.throwIfAborted();
    const verdicts = await Promise.all(
      metrics.map(async (metric): Promise<Verdict> => {
        const query = this.#queryFor(metric);
        if (query === undefined) return { verdict: "fail", reason: this.#noQuery(metric) };
        const answer = await this.#ask(query, release, signal);
        const about = (reason: string): string => `${printMetric(metric)}: ${reason}`;
        if (answer.state === "error") return verdictOf({ ...answer, reason: about(answer.reason) });
        // What selects nothing may be a mistake of the path; what is null is there.
        if (answer.state !== "no-data") return { verdict: "pass", reason: "" };
        return { verdict: answer.raw === undefined ? "fail" : "pass", reason: about(answer.reason) };
      }),
    );
    return worstOf(verdicts, `${this.name} (http) answers all of them`);
  }

  async query({ metric, release }: SeriesQuestion, signal: AbortSignal): Promise<SeriesAnswer> {
    const query = this.#queryFor(metric);
    if (query === undefined) return { state: "error", reason: this.#noQuery(metric), isLasting: true };
    return await this.#ask(query, release, signal);
  }

  async #ask(query: Query, release: string, signal: AbortSignal): Promise<SeriesAnswer> {
    const { clock, redact } = this.#ports;
    const who = `${this.name} (http)`;
    const asked = await ask({
      request: {
        url: this.#url + query.path.replaceAll("{release}", () => encodeURIComponent(release)),
        headers: this.#headers,
        timeoutMs: parseDuration(this.#settings.timeout)!,
        fresh: "time" in query,
        signal,
      },
      who,
      now: clock.now(),
      redact,
    });
    if (!asked.ok) return asked.error;
    const atMs = clock.now().getTime();
    if ("time" in query) return { state: "values", points: [{ atMs, value: asked.response.durationMs }] };
    return readJson(asked.response.body, query, { who, atMs, redact });
  }

  #queryFor(metric: Metric): Query | undefined {
    if (metric.kind !== "gauge" && metric.kind !== "query") return undefined;
    const { values } = this.#settings;
    return Object.hasOwn(values, metric.name) ? values[metric.name] : undefined;
  }

  #noQuery(metric: Metric): string {
    return `${this.name} has no ${printMetric(metric)}`;
  }
}

function readJson(
  body: string,
  query: z.output<typeof jsonSchema>,
  { who, atMs, redact }: { who: string; atMs: number; redact: (text: string) => string },
): SeriesAnswer {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return { state: "error", reason: `${who} answered what is not JSON`, isLasting: false };
  }
  const value = oneNumber(document, query.json, redact);
  if (!value.ok) return value.answer;
  if (typeof query.max !== "string")
    return {
      state: "values",
      points: [{ atMs, value: value.number, ...(query.max === undefined ? {} : { max: query.max }) }],
    };
  const max = oneNumber(document, query.max, redact);
  return max.ok ? { state: "values", points: [{ atMs, value: value.number, max: max.number }] } : max.answer;
}

type OneNumber = { ok: true; number: number } | { ok: false; answer: SeriesAnswer };

function oneNumber(document: unknown, path: string, redact: (text: string) => string): OneNumber {
  const found = selectJson(document, path);
  const [value] = found;
  if (found.length > 1) {
    const reason = `${path} selects ${found.length} values instead of one`;
    return { ok: false, answer: { state: "error", reason, isLasting: true } };
  }
  if (found.length === 0) return { ok: false, answer: { state: "no-data", reason: `there is no ${path}` } };
  if (typeof value === "number" && Number.isFinite(value)) return { ok: true, number: value };
  const raw = redact(JSON.stringify(value)).slice(0, 100);
  return { ok: false, answer: { state: "no-data", reason: `${path} is no number`, raw } };
}
