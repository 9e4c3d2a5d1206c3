import * as z from "zod";
import { parseDuration } from "../lib/duration.ts";
import { request } from "../lib/http.ts";
import { durationSchema, publicUrlSchema } from "../model/runbook.ts";
import { defineGate } from "./define.ts";
import type { GateVerdict } from "../model/gate-kind.ts";

const schema = z.strictObject({
  url: publicUrlSchema.optional().describe("Address to ask; the environment's url when left out"),
  path: z.string().startsWith("/").default("/health").describe("Path on that address"),
  timeout: durationSchema.default("5s").describe("Time limit of the answer"),
});

/** What a service that is down answers with; anything else that goes wrong says nothing about the service. */
const REFUSED = new Set(["ECONNREFUSED", "ECONNRESET"]);

/** Passes when an address answers 200. Redirects are not followed. */
export const urlHealthy = defineGate({
  kind: "url.healthy",
  summary: "Passes when an address answers 200 in time.",
  requirements: ["B6"],
  schema,
  example: "path: /health\ntimeout: 3s\n",

  async check(context): Promise<GateVerdict> {
    const { url = context.environment.url, path, timeout } = context.with;
    const address = url.replace(/\/+$/, "") + path;
    const answer = await request({
      url: address,
      timeoutMs: parseDuration(timeout)!,
      signal: context.signal,
      maxBodyBytes: 4096,
      fresh: true,
    });
    if (answer.kind === "timeout")
      return {
        verdict: "unknown",
        reason: `${address} did not answer within ${timeout}`,
        fix: "ask the address by hand",
      };
    if (answer.kind === "network-error") {
      const refused = !answer.local && REFUSED.has(answer.code);
      return {
        verdict: refused ? "fail" : "unknown",
        reason: `${address}: ${answer.reason}`,
        fix: refused ? "start the service" : "check the name and the network",
      };
    }
    if (answer.status === 200)
      return { verdict: "pass", reason: `${address} answered 200`, evidence: { status: 200 } };
    return {
      verdict: "fail",
      reason: `${address} answered ${answer.status}`,
      evidence: { status: answer.status },
      fix: "look at the service's own log",
    };
  },
});
