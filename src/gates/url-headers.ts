import * as z from "zod";
import { parseDuration } from "../lib/duration.ts";
import { matchesGlob } from "../lib/glob.ts";
import { request } from "../lib/http.ts";
import type { GateContext, GateVerdict } from "../model/gate-kind.ts";
import { durationSchema, publicUrlSchema } from "../model/runbook.ts";
import type { Verdict } from "../model/verdict.ts";
import { defineGate } from "./define.ts";

const nameSchema = z.string().regex(/^[A-Za-z0-9-]+$/, "is not the name of a header");

const pageSchema = z.strictObject({
  url: publicUrlSchema.optional().describe("Address to ask; the environment's url when left out"),
  path: z.string().startsWith("/").default("/").describe("Path on that address"),
  status: z.int().min(100).max(599).default(200).describe("Status of the answer; redirects are not followed"),
  headers: z
    .record(nameSchema, z.string())
    .default({})
    .describe('Headers that the answer must have, and their values; * stands for anything: "max-age=*"'),
  absent: z.array(nameSchema).max(50).default([]).describe("Headers that it must not have: x-powered-by"),
});

const schema = z.strictObject({
  pages: z.array(pageSchema).min(1).max(50).describe("Addresses, each with what its answer must have"),
  timeout: durationSchema.default("5s").describe("Time limit of each answer"),
});

type Page = z.output<typeof pageSchema>;
type Context = GateContext<z.output<typeof schema>>;

/** Passes when answers have the headers for security and for caches that they should have. */
export const urlHeaders = defineGate({
  kind: "url.headers",
  summary: "Passes when addresses answer with the headers that are wanted: of security, of a CDN, of caches.",
  requirements: ["B6", "E2"],
  notes: [
    "Names are compared without regard to case, values with it. A header that an answer has several times is compared as one, joined by commas.",
  ],
  schema,
  example:
    'pages:\n  - path: /\n    headers:\n      strict-transport-security: "max-age=*"\n      x-content-type-options: nosniff\n    absent: [x-powered-by]\n  - path: /assets/app.js\n    headers:\n      cache-control: "*immutable*"\n      x-vercel-cache: "*"\n',

  async check(context): Promise<GateVerdict> {
    const all: One[] = [];
    for (const page of context.with.pages) all.push(await ask(context, page));
    const evidence = all.map(({ address, verdict, problems, seen }) => ({
      address,
      verdict,
      problems,
      seen,
    }));
    for (const verdict of ["fail", "unknown"] as const) {
      const found = all.filter((one) => one.verdict === verdict);
      if (found.length > 0)
        return {
          verdict,
          reason: found.map(({ address, problems }) => `${address}: ${problems.join(", ")}`).join("; "),
          evidence,
          fix:
            verdict === "fail"
              ? "correct the headers where the application or the CDN sets them"
              : "check the name and the network, and ask again",
        };
    }
    const pages = all.length === 1 ? "1 address" : `${all.length} addresses`;
    return { verdict: "pass", reason: `${pages} answered with the headers that are wanted`, evidence };
  },
});

interface One {
  address: string;
  verdict: Verdict["verdict"];
  problems: string[];
  /** Of the headers that were asked about, what the answer has. */
  seen: Record<string, string>;
}

async function ask(context: Context, page: Page): Promise<One> {
  const address = (page.url ?? context.environment.url).replace(/\/+$/, "") + page.path;
  const answer = await request({
    url: address,
    timeoutMs: parseDuration(context.with.timeout)!,
    signal: context.signal,
    maxBodyBytes: 1024,
    fresh: true,
  });
  if (answer.kind !== "response") return { address, verdict: "unknown", problems: [answer.reason], seen: {} };
  const problems: string[] = [];
  const seen: Record<string, string> = {};
  if (answer.status !== page.status) problems.push(`answered ${answer.status}, not ${page.status}`);
  for (const [name, wanted] of Object.entries(page.headers)) {
    const value = answer.headers[name.toLowerCase()];
    if (value !== undefined) seen[name] = shown(name, value);
    if (value === undefined) problems.push(`has no ${name}`);
    else if (!matchesGlob(value, wanted))
      problems.push(`${name} is "${shown(name, value)}", not "${wanted}"`);
  }
  for (const name of page.absent) {
    const value = answer.headers[name.toLowerCase()];
    if (value === undefined) continue;
    seen[name] = shown(name, value);
    problems.push(`has ${name}`);
  }
  return { address, verdict: problems.length > 0 ? "fail" : "pass", problems, seen };
}

/** What is kept as evidence: the value of a cookie can be somebody's session. */
function shown(name: string, value: string): string {
  return name.toLowerCase() === "set-cookie" ? value.replaceAll(/=[^;,]*/g, "=***") : value;
}
