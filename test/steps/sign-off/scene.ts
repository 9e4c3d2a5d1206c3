import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { sha256 } from "../../../src/lib/hash.ts";
import type { JsonObject } from "../../../src/model/json.ts";
import type { EarlierStep } from "../../../src/model/step-kind.ts";
import { smoke } from "../../../src/steps/smoke.ts";
import { signOff } from "../../../src/steps/sign-off.ts";
import { createFakeClock } from "../../../src/testing/fake-clock.ts";
import { createFakeTarget } from "../../../src/testing/fake-target.ts";
import {
  createFakeStepWorld,
  type FakeStepWorldOptions,
  type FakeStepWorld,
} from "../../../src/testing/fake-step-context.ts";

/** The fake clock begins here. */
export const START = new Date("2026-01-05T10:00:00.000Z");
export const ENDED = new Date("2026-01-05T09:00:00.000Z");
export const HOUR = 3_600_000;

const SMOKE = smoke.schema.parse({
  checks: [
    { id: "front", path: "/" },
    { id: "order", method: "POST", path: "/orders" },
    { id: "ordered", path: "/orders", needs: ["order"] },
  ],
}) as JsonObject;

export function earlier(stepId: string, change: Partial<EarlierStep> = {}): EarlierStep {
  return {
    stepId,
    kind: stepId,
    title: stepId,
    key: `run/${stepId}`,
    with: stepId === "smoke" ? SMOKE : {},
    state: "done",
    reason: `${stepId} was good`,
    result: { verdict: "pass" },
    evidence: { "samples.json": sha256(stepId) },
    endedAt: ENDED,
    ...change,
  };
}

export const accepted = earlier("watch", {
  reason: "not proven good: 41 requests, need 230; accepted by kim: it is Sunday",
  result: { verdict: "accepted", acceptedBy: "kim" },
});

export const LIVE = [{ release: "v2", percent: 100 }];
/** The public address, and what it answers. */
export const answers: { status: number; served: string | undefined } = { status: 200, served: undefined };
export const requests: string[] = [];
const site = createServer((request, response) => {
  requests.push(`${request.method} ${request.url}`);
  if (answers.served !== undefined) response.setHeader("x-tminus-release", answers.served);
  response.writeHead(answers.status).end();
});
beforeAll(() => new Promise<void>((done) => site.listen(0, "127.0.0.1", done)));
afterAll(() => new Promise((done) => site.close(done)));
beforeEach(() => {
  Object.assign(answers, { status: 200, served: undefined });
});

export function open(settings: JsonObject, options: FakeStepWorldOptions = {}) {
  const clock = createFakeClock();
  const world = createFakeStepWorld({
    clock,
    zeroAt: new Date(START.getTime() - HOUR),
    target: createFakeTarget({ routes: LIVE }),
    environment: { url: `http://127.0.0.1:${(site.address() as AddressInfo).port}` },
    earlier: { smoke: earlier("smoke"), watch: earlier("watch") },
    ...options,
  });
  const parsed = signOff.schema.parse(settings) as JsonObject;
  return { clock, world, parsed, ...world.open(parsed, null) };
}

export function attest(world: FakeStepWorld, item: string, actor: string, note = "", at?: Date): void {
  world.send({ kind: "attest", stepId: "step", item, note }, actor, at);
}

export interface SignOffDocument {
  evidence: {
    step: string;
    verdict: string;
    proofs: { name: string; sha256: string }[];
    attested?: object;
  }[];
  attest: object[];
  stable: object | null;
}

export function documentOf({ evidence }: FakeStepWorld): SignOffDocument {
  const content = evidence.findLast(({ name }) => name === "sign-off.json")?.content;
  return JSON.parse(content ?? "null") as SignOffDocument;
}
