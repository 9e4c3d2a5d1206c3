import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { secretsAge } from "../../src/gates/secrets-age.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { createFakeClock } from "../../src/testing/fake-clock.ts";
import { gateContext } from "../support/gate-context.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tminus-credentials-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function check(list: string | undefined, settings: JsonObject = {}) {
  if (list !== undefined) writeFileSync(join(folder, "credentials.yaml"), list);
  const context = gateContext(secretsAge, settings, {
    projectDirectory: folder,
    world: {
      clock: createFakeClock({ start: new Date("2026-11-27T18:00:00Z") }),
      environment: { variables: { OPENAI_API_KEY: "env:OPENAI", LOG_LEVEL: "env:LOG_LEVEL" } },
    },
  });
  return secretsAge.check(context);
}

it("passes up to and with the last day, and names the variables that are not listed", async () => {
  const list = "- name: key of the model\n  reference: env:OPENAI\n  rotated: 2026-08-29\n";
  expect(await check(list)).toMatchObject({
    verdict: "pass",
    evidence: { ages: [{ ageDays: 90, maxAgeDays: 90 }], notListed: ["LOG_LEVEL"] },
  });
});

it("fails one day later, by the age of the credential's own or of the gate", async () => {
  const list =
    "- name: A\n  rotated: 2026-08-28\n- name: B\n  rotated: 2026-10-01\n  maxAge: 30d\n- name: C\n";
  expect(await check(list)).toMatchObject({
    verdict: "fail",
    reason: "too old: A (91 days, 90 allowed), B (57 days, 30 allowed)",
  });
  expect(await check("- name: A\n  rotated: 2026-11-01\n", { maxAge: "7d" })).toMatchObject({
    verdict: "fail",
  });
});

it.each(["- name: A\n", "- name: A\n  rotated: 2026-11-29\n"])(
  "is undecided when nobody knows the age: %j",
  async (list) => {
    expect(await check(`- name: B\n  rotated: 2026-11-01\n${list}`)).toMatchObject({
      verdict: "unknown",
      reason: "nobody knows how old A is",
    });
  },
);

it("is undecided without the file, with an empty one, and with one that has a mistake, whose place it says", async () => {
  expect(await check(undefined)).toMatchObject({
    verdict: "unknown",
    reason: "credentials.yaml does not exist",
  });
  expect(await check("[]")).toMatchObject({ verdict: "unknown", reason: "credentials.yaml lists nothing" });
  const outcome = await check("- name: A\n  reference: the-value-itself\n- name: B\n  rotated: May\n");
  expect(outcome.verdict).toBe("unknown");
  expect(outcome.reason).toMatch(
    /^credentials\.yaml:2:14 reference: must be a reference, not a value; credentials\.yaml:4:12 rotated: /,
  );
  expect(outcome.reason).not.toContain("the-value-itself");
  expect((await check("- name: [\n")).reason).toMatch(/^credentials\.yaml:\d+:\d+ /);
});
