import { describe, it } from "vitest";
import { signalSourceScenarios } from "../../../../src/testing/index.ts";
import { API_KEY, APPLICATION_KEY } from "../../../support/datadog-emulator.ts";
import { openWorld, sendAll, T0 } from "./world.ts";

describe("the contract of a source", () => {
  const scenarios = signalSourceScenarios({
    async open() {
      const world = await openWorld();
      const nowMs = Math.floor(Date.now() / 60_000) * 60_000;
      sendAll(world.emulator, T0, T0 + 300_000);
      sendAll(world.emulator, nowMs - 120_000, nowMs);
      const question = { release: "v2", fromMs: T0, toMs: T0 + 240_000, stepMs: 60_000 };
      return {
        source: world.open({ timeout: "300ms" }),
        questions: [
          { ...question, metric: { kind: "error_rate" } },
          { ...question, metric: { kind: "count", name: "failed_payments" } },
          { ...question, metric: { kind: "gauge", name: "pg_conn" } },
          { ...question, metric: { kind: "query", name: "p95" } },
        ],
        foreign: [
          { kind: "gauge", name: "failed_payments" },
          { kind: "query", name: "toString" },
          { kind: "share", slowerThanMs: 100 },
        ],
        behave: (fault) => world.emulator.behave(fault),
        secrets: [API_KEY, APPLICATION_KEY],
        close: () => world[Symbol.asyncDispose](),
      };
    },
  });
  for (const { title, run } of scenarios) it(title, run);
});
