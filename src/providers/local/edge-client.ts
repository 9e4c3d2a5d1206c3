import { request } from "node:http";
import { deadline } from "../../lib/clock.ts";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { TminusError } from "../../errors.ts";
import type { ProcessIdentity } from "../../lib/process.ts";
import type { EdgeDocument } from "./edge/document.ts";
import type { SuccessorCommand } from "./edge/succession.ts";

const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
/** So many spans the edge gives in one answer. */
const SPANS_AT_ONCE = 1_440;
/** The edge remembers a day; what is surely older is not asked for. */
const OLDEST_MS = 25 * 3_600_000;

const documentSchema = z.object({
  generation: z.number(),
  fence: z.number(),
  mode: z.enum(["normal", "readonly", "pause", "maintenance"]),
  holdMs: z.number(),
  pinToken: z.string(),
  routes: z.array(
    z.object({
      instance: z.string(),
      release: z.string(),
      host: z.string(),
      port: z.number(),
      weightPercent: z.number(),
      standby: z.boolean(),
    }),
  ),
});
const statusSchema = z.object({
  pid: z.number(),
  host: z.string(),
  port: z.number(),
  draining: z.boolean(),
  held: z.number(),
  instances: z.array(
    z.object({ instance: z.string(), release: z.string(), inFlight: z.number(), healthy: z.boolean() }),
  ),
  document: documentSchema,
});
const identitySchema = z.object({ pid: z.number(), startedAt: z.string() });
/** An edge process that was started by an earlier tminus does not count these. */
const newClientsSchema = z.number().optional();
const repeatedSchema = z.number().default(0);
const countersSchema = z.array(
  z.object({
    release: z.string(),
    requests: z.number(),
    errors: z.number(),
    diverted: z.number(),
    badClients: z.number(),
    newClients: newClientsSchema,
    repeated: repeatedSchema,
    latency: z.array(z.object({ leMs: z.number().nullable(), count: z.number() })),
  }),
);
const countedSchema = z.object({
  fromMs: z.number(),
  toMs: z.number(),
  requests: z.number(),
  errors: z.number(),
  diverted: z.number(),
  badClients: z.number(),
  newClients: newClientsSchema,
  repeated: repeatedSchema,
  beyondMs: z.number(),
  latency: z.array(z.number()),
});
const historySchema = z.object({
  isKnown: z.boolean(),
  boundsMs: z.array(z.number()),
  closedToMs: z.number(),
  points: z.array(countedSchema),
  recent: countedSchema,
});

export type EdgeStatus = z.output<typeof statusSchema>;
export type EdgeCounters = z.output<typeof countersSchema>;
export type EdgeHistory = z.output<typeof historySchema>;

/** In ms since 1970 and multiples of 10 s. */
export interface SpanRange {
  fromMs: number;
  toMs: number;
  stepMs: number;
}

/** The calls that an edge process answers on its unix socket. Every method throws TARGET_UNREACHABLE when no answer came. */
export class EdgeClient {
  readonly #folder: string;
  readonly #timeoutMs: number;

  /** `timeoutMs` is for one call. */
  constructor(socketFolder: string, timeoutMs: number = TIMEOUT_MS) {
    this.#folder = socketFolder;
    this.#timeoutMs = timeoutMs;
  }

  /** Undefined when certainly no edge runs here. */
  async status(signal?: AbortSignal): Promise<EdgeStatus | undefined> {
    return this.#read("/status", statusSchema, this.#current(), signal);
  }

  /** Undefined when certainly no edge runs here. */
  async counters(signal?: AbortSignal): Promise<EdgeCounters | undefined> {
    return this.#read("/counters", countersSchema, this.#current(), signal);
  }

  /** What happened to a release in spans of the last 24 h, and of late. Undefined when certainly no edge runs here. */
  async history(
    release: string,
    range: SpanRange | undefined,
    signal?: AbortSignal,
  ): Promise<EdgeHistory | undefined> {
    let whole: EdgeHistory | undefined;
    for (const part of range === undefined ? [undefined] : partsOf(range)) {
      const query = new URLSearchParams({ release });
      if (part !== undefined) {
        query.set("from", String(part.fromMs));
        query.set("to", String(part.toMs));
        query.set("step", String(part.stepMs));
      }
      const next = await this.#read(`/history?${query.toString()}`, historySchema, this.#current(), signal);
      if (next === undefined) return undefined;
      whole = whole === undefined ? next : { ...whole, points: [...whole.points, ...next.points] };
    }
    return whole;
  }

  /**
   * Replaces the document. "conflict": the edge has a newer fence or another generation. "busy": it is being
   * replaced, and the next one will take the document.
   */
  async putDocument(
    document: EdgeDocument,
    signal?: AbortSignal,
  ): Promise<{ result: "accepted" } | { result: "conflict" | "busy"; reason: string }> {
    const answer = await this.#call("PUT", "/document", JSON.stringify(document), this.#current(), signal);
    if (answer === undefined) throw unreachable("no edge process listens on its control socket");
    if (answer.status === 200) return { result: "accepted" };
    if (answer.status === 503) return { result: "busy", reason: answer.body };
    if (answer.status === 409) return { result: "conflict", reason: answer.body };
    throw new TminusError("INTERNAL", `the edge answered ${answer.status} to a document: ${answer.body}`);
  }

  /**
   * Has the edge start the process that takes its place, or tells which one it has started already. Undefined when no
   * edge runs here, or not any more: one that it has started may be on its way then. Throws TARGET_CONFLICT when the
   * program cannot be started.
   */
  async startSuccessor(command: SuccessorCommand): Promise<ProcessIdentity | undefined> {
    let answer;
    try {
      answer = await this.#call("POST", "/start-successor", JSON.stringify(command), this.#current());
    } catch (error) {
      if (!brokeOff(error)) throw error;
    }
    if (answer === undefined) return undefined;
    if (answer.status === 202) return identitySchema.parse(JSON.parse(answer.body));
    throw new TminusError("TARGET_CONFLICT", `the edge could not start a successor: ${answer.body}`);
  }

  /** Requests under way per instance, over all edge processes that still run, also one being replaced. */
  async inFlight(): Promise<Map<string, number>> {
    const total = new Map<string, number>();
    for (const status of await this.#everyStatus()) {
      for (const { instance, inFlight } of status.instances) {
        total.set(instance, (total.get(instance) ?? 0) + inFlight);
      }
    }
    return total;
  }

  /** Asks every edge process that still runs, also those being replaced, to leave. Returns their pids. */
  async quit(deadlineMs: number): Promise<number[]> {
    const running = await this.#everyStatus();
    for (const { pid } of running) {
      try {
        await this.#call(
          "POST",
          "/quit",
          JSON.stringify({ deadlineMs }),
          join(this.#folder, `edge-${pid}.sock`),
        );
      } catch (error) {
        if (!brokeOff(error)) throw error;
        // it was leaving already and has gone before it could answer
      }
    }
    return running.map((status) => status.pid);
  }

  #current(): string {
    return join(this.#folder, "control.sock");
  }

  async #everyStatus(): Promise<EdgeStatus[]> {
    const names = (await readdir(this.#folder)).filter((name) => /^edge-\d+\.sock$/.test(name));
    const found = await Promise.all(
      names.map((name) => this.#read("/status", statusSchema, join(this.#folder, name))),
    );
    return found.filter((status) => status !== undefined);
  }

  async #read<T>(
    path: string,
    schema: z.ZodType<T>,
    socketPath: string,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    let answer;
    try {
      answer = await this.#call("GET", path, "", socketPath, signal);
    } catch (error) {
      if (!brokeOff(error)) throw error;
      // its process ended or was replaced just now, and a read may be repeated
      answer = await this.#call("GET", path, "", socketPath, signal);
    }
    if (answer === undefined) return undefined;
    if (answer.status !== 200) throw unreachable(`the edge answered ${answer.status} to ${path}`);
    const parsed = schema.safeParse(JSON.parse(answer.body));
    if (parsed.success) return parsed.data;
    throw new TminusError(
      "INTERNAL",
      `the edge's answer to ${path} is not understood: ${parsed.error.message}`,
    );
  }

  /** Undefined when nobody listens at the socket. */
  #call(
    method: string,
    path: string,
    body: string,
    socketPath: string,
    signal?: AbortSignal,
  ): Promise<{ status: number; body: string } | undefined> {
    return new Promise((resolve, reject) => {
      const headers = body === "" ? {} : { "Content-Length": Buffer.byteLength(body) };
      const until = deadline(this.#timeoutMs, signal);
      // a connection kept open would lead to the former process after the edge was replaced
      const call = request({ agent: false, socketPath, method, path, headers, signal: until });
      call.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT" || error.code === "ECONNREFUSED") resolve(undefined);
        else if (signal?.aborted === true) reject(signal.reason as Error);
        else reject(unreachable(`the edge did not answer ${path}: ${error.message}`, error));
      });
      call.once("response", (res) => {
        let text = "";
        res.setEncoding("utf8");
        res.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > MAX_ANSWER_BYTES) res.destroy(new Error("the answer is too long"));
        });
        res.once("error", (error) => {
          if (signal?.aborted === true) reject(signal.reason as Error);
          else reject(unreachable(`the edge's answer to ${path} broke off: ${error.message}`, error));
        });
        res.once("end", () => resolve({ status: res.statusCode ?? 0, body: text }));
      });
      call.end(body);
    });
  }
}

/** In pieces that the edge gives in one answer; at least one. */
function partsOf({ fromMs, toMs, stepMs }: SpanRange): SpanRange[] {
  const tooOld = Math.floor((toMs - OLDEST_MS - fromMs) / stepMs);
  const parts: SpanRange[] = [];
  let from = fromMs + Math.max(0, tooOld) * stepMs;
  do {
    const to = Math.min(toMs, from + SPANS_AT_ONCE * stepMs);
    parts.push({ fromMs: from, toMs: to, stepMs });
    from = to;
  } while (from < toMs);
  return parts;
}

function brokeOff(error: unknown): boolean {
  if (!(error instanceof Error) || !(error.cause instanceof Error) || !("code" in error.cause)) return false;
  return error.cause.code === "ECONNRESET" || error.cause.code === "EPIPE";
}

function unreachable(message: string, cause?: unknown): TminusError {
  return new TminusError("TARGET_UNREACHABLE", message, { cause });
}
