import { describe, expect, it } from "vitest";
import { toJUnit } from "../../../src/steps/smoke/junit.ts";
import type { CheckReport } from "../../../src/steps/smoke/run-checks.ts";

function report(fields: Partial<CheckReport>): CheckReport {
  return {
    id: "a",
    title: "a",
    tags: [],
    verdict: "pass",
    reasons: [],
    attempts: 1,
    durationMs: 1500,
    ...fields,
  };
}

describe("toJUnit", () => {
  it("writes a case for each check and counts them by outcome", () => {
    const xml = toJUnit("smoke", [
      report({ tags: ["P0"] }),
      report({ id: "b", verdict: "fail", reasons: ["answered 500, expected 200"] }),
      report({ id: "c", verdict: "unknown", reasons: ["could not ask"] }),
      report({ id: "d", verdict: "not-run", reasons: ["needs b"] }),
      report({ id: "e", attempts: 3 }),
    ]);
    expect(xml).toContain(
      '<testsuite name="smoke" tests="5" failures="1" errors="1" skipped="1" time="7.500">',
    );
    expect(xml).toContain('<testcase classname="smoke.a" name="a @P0" time="1.500"/>');
    expect(xml).toContain('<failure message="answered 500, expected 200">');
    expect(xml).toContain('<error message="could not ask">');
    expect(xml).toContain('<skipped message="needs b"/>');
    expect(xml).toContain("passed at attempt 3");
  });

  it("escapes what XML cannot hold", () => {
    const xml = toJUnit("s", [report({ verdict: "fail", reasons: [`<&"> \u0000\u001b\ud800 \n ]]>`] })]);
    expect(xml).toContain('message="&lt;&amp;&quot;&gt; \uFFFD\uFFFD\uFFFD &#10; ]]&gt;"');
  });
});
