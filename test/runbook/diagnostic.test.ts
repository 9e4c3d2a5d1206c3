import { describe, expect, it } from "vitest";
import { formatDiagnostic, formatDiagnosticWithExcerpt, formatPath } from "../../src/runbook/diagnostic.ts";
import { closest } from "../../src/lib/did-you-mean.ts";
import { parseRunbook } from "../../src/runbook/parse.ts";
import { kinds } from "./sample-kinds.ts";

const text = `version: 1
project: shop
environments:
  production:
    url: http://127.0.0.1:4080
    target: { kind: none }
    protekted: true
stages: [{ id: app, steps: [{ id: deploy, kind: app.deploy }] }]
`;

describe("diagnostics", () => {
  const result = parseRunbook({ file: "tminus.yaml", text }, kinds);
  const [diagnostic] = result.state === "valid" ? [] : result.diagnostics;

  it("print as one line: place, path, what, hint", () => {
    expect(formatDiagnostic(diagnostic!)).toBe(
      'tminus.yaml:7:5  environments.production.protekted  unknown key  did you mean "protected"?',
    );
  });

  it("print with the line and a caret under the column", () => {
    expect(formatDiagnosticWithExcerpt(diagnostic!).split("\n").slice(1)).toEqual([
      "    7 |     protekted: ***",
      "      |     ^",
    ]);
  });

  it("quote keys that are not plain words and cut long ones", () => {
    expect(formatPath(["stages", 0, "steps", 1, "with", "rules", 0, "above"])).toBe(
      "stages[0].steps[1].with.rules[0].above",
    );
    expect(formatPath(["environments", "my shop", "url"])).toBe('environments["my shop"].url');
    expect(formatPath(["x".repeat(100)])).toHaveLength(45);
  });
});

describe("closest", () => {
  it.each([
    ["aprovals", "approvals"],
    ["ulr", "url"],
    ["onfailure", "onFailure"],
    ["dbmigrate", "db.migrate"],
    ["xyz", undefined],
    ["", undefined],
  ])("for %j is %j", (word, expected) => {
    expect(closest(word, ["approvals", "url", "onFailure", "db.migrate"])).toBe(expected);
  });
});
