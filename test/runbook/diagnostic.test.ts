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

  it.each([
    ["in quotes", '"errors: when error_rat > 1% -> rolback"', "rolback"],
    ["in a part of its own", "{ name: one, when: error_rate > 1%, action: rolback }", "rolback"],
    ["behind a word with an escape", '"err\\x6frs: when error_rate > 1% -> rolback"', '"'],
    ["that does not fit to the watch", '"up: when probe(nothing) fails -> rollback"', "nothing"],
  ])("underline the word of a rule that is wrong: %s", (_, rule, word) => {
    const watching = `version: 1
project: shop
environments:
  production: { url: "http://127.0.0.1:4080", target: { kind: none } }
stages:
  - id: app
    steps:
      - { id: watch, kind: rules, with: { duration: 10m, rules: [${rule}] } }
`;
    const refused = parseRunbook({ file: "tminus.yaml", text: watching }, kinds);
    const found = refused.state === "valid" ? [] : refused.diagnostics;
    expect(found).toHaveLength(1);
    const [line = "", carets = ""] = found[0]!.excerpt.split("\n");
    expect(line.slice(carets.indexOf("^"), carets.length)).toBe(word);
    expect(
      watching
        .split("\n")[7]!
        .slice(found[0]!.column - 1)
        .startsWith(word),
    ).toBe(true);
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
