import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hasCode } from "../../src/errors.ts";
import { parseRunbook, runbookError, type ParseResult } from "../../src/runbook/parse.ts";
import { kinds } from "./sample-kinds.ts";

const shop = readFileSync(new URL("golden/shop.yaml", import.meta.url), "utf8");

function parse(text: string): ParseResult {
  return parseRunbook({ file: "tminus.yaml", text }, kinds);
}

function withStep(kind: string, settings: string): string {
  return [
    "version: 1",
    "project: shop",
    "environments: { here: { url: http://localhost, target: { kind: none } } }",
    "stages:",
    "  - id: only",
    "    steps:",
    "      - id: one",
    `        kind: ${kind}`,
    `        with: ${settings}`,
  ].join("\n");
}

function settingsOf(kind: string, settings: string): unknown {
  const result = parse(withStep(kind, settings));
  if (result.state !== "valid") throw new Error(result.diagnostics.map(({ message }) => message).join());
  return result.runbook.stages[0]!.steps[0]!.with;
}

describe("parseRunbook", () => {
  it("gives the golden runbook with the defaults of the file filled in", () => {
    const result = parse(shop);
    const golden: unknown = JSON.parse(readFileSync(new URL("golden/shop.json", import.meta.url), "utf8"));
    expect(result).toEqual({ state: "valid", runbook: golden });
  });

  it("reads the same from Windows line ends and after a byte order mark", () => {
    expect(parse(`\uFEFF${shop.replaceAll("\n", "\r\n")}`)).toEqual(parse(shop));
  });

  it.each([
    "1.10",
    "1.1",
    "0123456",
    "12e5678",
    "7",
    "true",
    "0x1F",
    "1_000",
    "2026-11-21",
    "-0",
    ".inf",
    "1e3",
  ])("keeps the unquoted release %s as it was written", (release) =>
    expect(settingsOf("note", `{ release: ${release} }`)).toEqual({ release }),
  );

  it("keeps unquoted words of a list of text as they were written", () => {
    expect(settingsOf("command", "{ run: [sleep, 1.50, 007, false, 1e3] }")).toEqual({
      run: ["sleep", "1.50", "007", "false", "1e3"],
    });
  });

  it("reads an unquoted number where a number is wanted, however it is written", () => {
    expect(settingsOf("app.shift", "{ percent: 25.0 }")).toEqual({ percent: 25 });
    expect(settingsOf("app.shift", "{ percent: 1e1 }")).toEqual({ percent: 10 });
  });

  it("reads numbers inside alternatives", () => {
    const settings = "{ checks: [{ id: 1, path: /, status: 201 }, { id: 2, path: /, status: [200, 204] }] }";
    expect(settingsOf("smoke", settings)).toEqual({
      checks: [
        { id: "1", path: "/", status: 201 },
        { id: "2", path: "/", status: [200, 204] },
      ],
    });
  });

  it("never turns text into a number that prints differently where anything is allowed", () => {
    const settings = "{ checks: [{ id: a, path: /, equals: [1.10, 1.5, 010, 10, 1e5, true, ~] }] }";
    expect(settingsOf("smoke", settings)).toEqual({
      checks: [{ id: "a", path: "/", equals: ["1.10", 1.5, "010", 10, "1e5", true, null] }],
    });
  });

  it("gives settings as written, so that a kind's schema can read them again", () => {
    const settings = settingsOf("watch", "{ duration: 20s, rules: [{ id: a, signal: p95Ms, above: 5 }] }");
    expect(settings).toEqual({ duration: "20s", rules: [{ id: "a", signal: "p95Ms", above: 5 }] });
    expect(kinds.steps.watch!.safeParse(settings).success).toBe(true);
  });

  it("writes aliases out", () => {
    const text = withStep("command", "{ run: &run [echo, hi] }").replace(
      "stages:",
      "gates: [{ id: g, kind: command, with: { run: [x] } }]\nstages:",
    );
    const aliased = `${text}\n      - { id: two, kind: command, with: { run: *run } }\n`;
    const result = parse(aliased);
    expect(result.state === "valid" && result.runbook.stages[0]!.steps[1]!.with).toEqual({
      run: ["echo", "hi"],
    });
  });

  it("leaves other tools' braces alone and refuses unknown placeholders", () => {
    const good = withStep(
      "command",
      `{ run: ['\${x}', '%{http_code}', '{{.Id}}', '{"a":1}', '\\{any}', '{release}'] }`,
    );
    expect(parse(good).state).toBe("valid");
    expect(parse(good.replace("{release}", "{any}")).state).toBe("invalid");
  });

  it("reports mistakes of the schema, of kinds and of references together, in the order of the file", () => {
    const result = parse(
      shop
        .replace("project: shop", "project: shop\nextra: 1")
        .replace("percent: 25", "percent: 0")
        .replace("[database]", "[databas]"),
    );
    const paths = result.state === "valid" ? [] : result.diagnostics.map(({ path }) => path);
    expect(paths).toEqual(["extra", "stages[1].needs[0]", "stages[1].steps[1].with.percent"]);
  });
});

describe("runbookError", () => {
  it("carries every diagnostic and is told apart from an unreadable file", () => {
    const invalid = parse("version: 2\n");
    const unreadable = parse("\u0000");
    if (invalid.state === "valid" || unreadable.state === "valid") throw new Error("both must be refused");
    const error = runbookError("tminus.yaml", invalid);
    expect(hasCode(error, "RUNBOOK_INVALID")).toBe(true);
    expect(error.details).toEqual({ file: "tminus.yaml", diagnostics: invalid.diagnostics, omitted: 0 });
    expect(error.message).toContain("tminus.yaml:1:10  version  must be 1");
    expect(hasCode(runbookError("tminus.yaml", unreadable), "RUNBOOK_UNREADABLE")).toBe(true);
  });
});

describe("secrets in a runbook", () => {
  const secret = "hunter2-very-secret";
  it.each([
    `    database: { url: "postgres://shop:${secret}@db/shop" }`,
    `    variables: { API_KEY: ${secret}, "BAD NAME": "env:X" }`,
    `    variables: { "BAD NAME": "${secret}" }`,
    `    pasword: ${secret}`,
    `    api-token: ${secret}\n\t- x`,
    `    apiKey: "${secret}`,
    `    variables: { A: "env:A", A: ${secret} }`,
    `    databse: { url: "postgres://shop:${secret}@db/shop" }`,
  ])("never show in messages or excerpts: %s", (line) => {
    const result = parse(
      shop
        .replace("    branch: main", `    branch: main\n${line}`)
        .replace(/ {4}database: \{ url: "env.*\n/, ""),
    );
    expect(result.state).toBe("invalid");
    expect(JSON.stringify(result)).not.toContain(secret);
  });
});
