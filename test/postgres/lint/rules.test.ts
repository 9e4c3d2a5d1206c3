import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lintRules } from "../../../src/postgres/lint/registry.ts";
import type { Effect } from "../../../src/postgres/lint/define-rule.ts";
import { exampleTemplate, lintExample, runExample, shows, withClient, works } from "./example-runner.ts";

let template: Awaited<ReturnType<typeof exampleTemplate>>;
beforeAll(async () => {
  template = await exampleTemplate();
});
afterAll(() => template.drop());

it("names every rule once, in kebab words, with an example on either side", () => {
  const ids = lintRules.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { id, bad, good } of lintRules) {
    expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect([bad.length > 0, good.length > 0], id).toEqual([true, true]);
  }
});

describe.each(lintRules.map((rule) => ({ id: rule.id, rule })))("$id", ({ rule }) => {
  it("finds the bad examples, and they do the harm that it says", async () => {
    for (const example of rule.bad) {
      const { findings } = await lintExample(example);
      expect(
        findings.map((finding) => finding.rule),
        text(example.sql),
      ).toContain(rule.id);
      await runExample(template, example, async (client, seen) => {
        if (!("error" in example.effect)) expect(seen.error, text(example.sql)).toBeUndefined();
        expect(
          await shows(example.effect, client, seen),
          `${text(example.sql)}: ${text([...seen.locks])} ${text(seen.error)}`,
        ).toBe(true);
      });
    }
  });

  it("does not find the good examples, which run and do not do that harm; no rule blocks them", async () => {
    const effects = rule.bad.map(({ effect }): Effect => effect).filter((effect) => !("unseen" in effect));
    for (const example of rule.good) {
      const { findings } = await lintExample(example);
      const wrong = findings.filter(({ rule: id, severity }) => id === rule.id || severity === "block");
      expect(wrong, text(example.sql)).toEqual([]);
      await runExample(template, example, async (client, seen) => {
        expect(seen.error, text(example.sql)).toBeUndefined();
        for (const effect of effects)
          expect(await shows(effect, client, seen), `${text(example.sql)} shows ${text(effect)}`).toBe(false);
      });
    }
  });
});

it("breaks only what worked before", async () => {
  const statements = lintRules.flatMap(({ bad }) =>
    bad.flatMap(({ effect }) => ("breaks" in effect ? [effect.breaks] : [])),
  );
  await withClient(template.url, async (client) => {
    await client.query("begin");
    for (const statement of statements)
      expect([statement, await works(client, statement)]).toEqual([statement, true]);
  });
});

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
