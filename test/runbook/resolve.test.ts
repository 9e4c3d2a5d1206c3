import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hasCode } from "../../src/errors.ts";
import type { Runbook } from "../../src/model/runbook.ts";
import { parseRunbook } from "../../src/runbook/parse.ts";
import { resolveEnvironment, resolveRunbook } from "../../src/runbook/resolve.ts";
import { kinds } from "./sample-kinds.ts";

const shop = readFileSync(new URL("golden/shop.yaml", import.meta.url), "utf8");

function read(text: string): Runbook {
  const result = parseRunbook({ file: "tminus.yaml", text }, kinds);
  if (result.state !== "valid") throw new Error(JSON.stringify(result.diagnostics));
  return result.runbook;
}

function codeOf(task: () => unknown): unknown {
  try {
    task();
  } catch (error) {
    return hasCode(error) ? error.code : error;
  }
  return "nothing thrown";
}

describe("resolveRunbook", () => {
  const resolved = resolveRunbook(read(shop), { environment: "production", release: "v2" });

  it("fills placeholders in and leaves {previous} for later", () => {
    expect(resolved.stages[0]!.steps[0]!.with).toEqual({
      channels: ["ops"],
      title: "shop v2 comes to production",
      text: "instead of {previous}",
    });
  });

  it("fills {previous} in when it is known", () => {
    const { stages } = resolveRunbook(read(shop), {
      environment: "production",
      release: "v2",
      previousRelease: "v1",
    });
    expect(stages[0]!.steps[0]!.with.text).toBe("instead of v1");
  });

  it("leaves {release} in the target, which is asked about several releases", () => {
    expect(resolved.environment.target).toMatchObject({
      kind: "local",
      port: 4080,
      directory: "releases/{release}",
    });
  });

  it("gives times in milliseconds, negative before T-0", () => {
    expect(resolved.stages[0]).toMatchObject({ id: "database", durationMs: 300_000 });
    expect(resolved.stages[0]!.steps.map(({ offsetMs, timeoutMs }) => [offsetMs, timeoutMs])).toEqual([
      [-600_000, undefined],
      [undefined, 600_000],
    ]);
    expect(resolved.rollback).toEqual({ automatic: true, database: "keep", cureMs: 10_000 });
  });

  it("uses ids as titles where there are none", () => {
    expect(resolved.gates.map(({ title }) => title)).toEqual(["Unit tests", "clean"]);
    expect(resolved.stages.map(({ title }) => title)).toEqual(["Database", "application", "confirm"]);
  });

  it("takes only the stages of the environment", () => {
    const { stages } = resolveRunbook(read(shop), { environment: "staging", release: "v2" });
    expect(stages.map(({ id }) => id)).toEqual(["database", "application"]);
  });

  it("takes only the gates of the environment", () => {
    const text = `version: 1
project: shop
environments: { here: { url: http://localhost, target: { kind: none } }, there: { url: http://localhost, target: { kind: none } } }
gates:
  - { id: everywhere, kind: git.clean }
  - { id: here-only, kind: git.clean, environments: [here] }
stages: [{ id: go, steps: [{ id: one, kind: app.deploy }] }]
`;
    const gatesOf = (environment: string): string[] =>
      resolveRunbook(read(text), { environment, release: "v2" }).gates.map(({ id }) => id);
    expect(gatesOf("here")).toEqual(["everywhere", "here-only"]);
    expect(gatesOf("there")).toEqual(["everywhere"]);
  });

  it("orders stages by their needs and otherwise as they stand in the file", () => {
    const text = `version: 1
project: shop
environments: { here: { url: http://localhost, target: { kind: none } } }
stages:
  - { id: last, needs: [b, c], steps: [{ id: one, kind: app.deploy }] }
  - { id: c, needs: [], steps: [{ id: two, kind: app.deploy }] }
  - { id: b, needs: [], steps: [{ id: three, kind: app.deploy }] }
  - { id: after-b, steps: [{ id: four, kind: app.deploy }] }
`;
    const { stages } = resolveRunbook(read(text), { environment: "here", release: "1" });
    expect(stages.map(({ id }) => id)).toEqual(["c", "b", "last", "after-b"]);
  });

  it.each(["", "../v1", "a/b", "-rf", "a b", "v1;x", "a\n", "x".repeat(129)])(
    "refuses the release %j",
    (release) => {
      expect(codeOf(() => resolveRunbook(read(shop), { environment: "production", release }))).toBe(
        "USAGE_INVALID",
      );
    },
  );

  it("does not look for placeholders in what it put in", () => {
    const text = shop
      .replace("project: shop", "project: shop")
      .replace('"done"', '"\\\\{release} {release}"');
    const { stages } = resolveRunbook(read(text), { environment: "production", release: "v2" });
    expect(stages[2]!.steps[1]!.with.title).toBe("{release} v2");
  });
});

describe("resolveEnvironment", () => {
  it("refuses a name that is not in the runbook and says which was meant", () => {
    const runbook = read(shop);
    expect(() => resolveEnvironment(runbook, "prodution")).toThrow(
      expect.objectContaining({ code: "ENVIRONMENT_UNKNOWN", hint: 'did you mean "production"?' }),
    );
    expect(codeOf(() => resolveEnvironment(runbook, "constructor"))).toBe("ENVIRONMENT_UNKNOWN");
  });
});
