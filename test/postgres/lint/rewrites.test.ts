import { expect, it } from "vitest";
import { lintRules } from "../../../src/postgres/lint/registry.ts";
import { testRewrites } from "./test-rewrites.ts";

it("every rule that blocks or asks has a rewrite, or says why there is none", () => {
  const without = lintRules.filter(
    ({ severity, rewrite, noRewrite }) =>
      severity !== "note" && rewrite === undefined && noRewrite === undefined,
  );
  expect(without.map(({ id }) => id)).toEqual([]);
  for (const { id, rewrite, noRewrite } of lintRules) {
    expect(rewrite !== undefined && noRewrite !== undefined, `${id} has both`).toBe(false);
    if (noRewrite !== undefined) expect(noRewrite, id).toMatch(/^[A-Z].*\.$/s);
  }
});

testRewrites(0, 3);
