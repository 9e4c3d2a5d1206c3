import { describe, expect, it } from "vitest";
import { createApp, documentOf } from "../../src/server/app.ts";
import { usualLimits } from "../../src/server/server-ports.ts";
import { newSetUpCode } from "../../src/server/set-up-code.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { samplePlan } from "../support/state.ts";
import { fakeTminus } from "../cli/support/fake-tminus.ts";

type Operations = Record<string, { summary?: string; responses: Record<string, unknown> }>;

const app = createApp({
  tminus: fakeTminus(samplePlan()),
  clock: systemClock,
  setUp: newSetUpCode(),
  oidc: undefined,
  url: () => "",
  hosts: [],
  addressOf: () => "test",
  limits: usualLimits,
  kill: undefined,
  closing: new AbortController().signal,
  version: "0.0.0",
  log: () => undefined,
});
const document = documentOf(app, "0.0.0") as { paths: Record<string, Operations> };

describe("the API's document", () => {
  it("is what programs were written against; a change of it is looked at", async () => {
    await expect(`${JSON.stringify(document, undefined, 2)}\n`).toMatchFileSnapshot("goldens/openapi.txt");
  });

  it("says of every operation what it does and how it fails", () => {
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    expect(operations.length).toBeGreaterThan(20);
    for (const { summary, responses } of operations) {
      expect(summary).toMatch(/\w/);
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(["401", "403", "429"]));
    }
  });
});
