import { describe, it } from "vitest";
import type { SignalKind } from "../../../../src/model/signal-kind.ts";
import type { SeriesQuestion } from "../../../../src/model/signal-source.ts";
import { sentrySessionSignals, sentrySignals } from "../../../../src/providers/signals/sentry/index.ts";
import { signalSourceScenarios, type SourceFault } from "../../../../src/testing/index.ts";
import { TOKEN } from "../../../support/sentry-emulator.ts";
import { HOUR_MS, openWorld, T0 } from "./world.ts";

function scenariosOf(
  kind: SignalKind,
  question: Omit<SeriesQuestion, "release">,
  cannot: Partial<Record<SourceFault, string>> = {},
) {
  return signalSourceScenarios({
    cannot,
    async open() {
      const world = await openWorld();
      return {
        source: world.open(kind, { timeout: "300ms" }),
        questions: [{ ...question, release: "v2" }],
        foreign: [
          { kind: "gauge", name: "errors" },
          { kind: "count", name: "toString" },
          { kind: "query", name: "toString" },
          { kind: "error_rate" },
        ],
        behave: (fault) => world.emulator.behave(fault),
        secrets: [TOKEN],
        close: () => world[Symbol.asyncDispose](),
      };
    },
  });
}

const minutes = { fromMs: T0, toMs: T0 + 480_000, stepMs: 120_000 };

describe("the contract of a source: error events", () => {
  const metric = { kind: "count", name: "errors" } as const;
  for (const { title, run } of scenariosOf(sentrySignals, { metric, ...minutes })) it(title, run);
});

describe("the contract of a source: new issues", () => {
  const metric = { kind: "count", name: "new_error_groups" } as const;
  const cannot = { stale: "a list of issues does not say how far it has got" };
  for (const { title, run } of scenariosOf(sentrySignals, { metric, ...minutes }, cannot)) it(title, run);
});

describe("the contract of a source: sessions", () => {
  const metric = { kind: "query", name: "crashed_sessions" } as const;
  const hours = { fromMs: T0, toMs: T0 + 4 * HOUR_MS, stepMs: HOUR_MS };
  for (const { title, run } of scenariosOf(sentrySessionSignals, { metric, ...hours })) it(title, run);
});
