import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDiagnostic, MAX_DIAGNOSTICS } from "../../src/runbook/diagnostic.ts";
import { decodeSource, MAX_BYTES } from "../../src/runbook/guard.ts";
import { parseRunbook, type ParseResult } from "../../src/runbook/parse.ts";
import { kinds } from "./sample-kinds.ts";

const folder = fileURLToPath(new URL("../fixtures/bad-runbooks/", import.meta.url));
const shop = readFileSync(new URL("golden/shop.yaml", import.meta.url), "utf8");

/** A mistake in text that can stand at its place: line and column exist in the text. */
function expectPositions(result: ParseResult, text: string): void {
  if (result.state === "valid") return;
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  expect(result.diagnostics.length).toBeGreaterThan(0);
  expect(result.diagnostics.length).toBeLessThanOrEqual(MAX_DIAGNOSTICS);
  for (const { line, column, message, excerpt } of result.diagnostics) {
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual(lines[line - 1]!.length + 1);
    expect(message).not.toBe("");
    expect(excerpt.split("\n")).toHaveLength(2);
  }
}

function parse(text: string): ParseResult {
  return parseRunbook({ file: "tminus.yaml", text }, kinds);
}

describe("bad runbooks", () => {
  const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

  it("are many", () => expect(names.length).toBeGreaterThanOrEqual(45));

  it.each(names)("%s is refused with exactly the expected lines", (name) => {
    const text = readFileSync(folder + name, "utf8");
    const result = parse(text);
    const listed = result.state === "valid" ? [] : result.diagnostics.map(formatDiagnostic);
    const expected = readFileSync(folder + name.replace(".yaml", ".txt"), "utf8");
    expect(`${[result.state, ...listed].join("\n")}\n`).toBe(expected);
    expect(result.state).not.toBe("valid");
    expectPositions(result, text);
  });
});

const fill = (unit: string): string => unit.repeat(Math.floor((MAX_BYTES - 64) / unit.length));
const numbered = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("");

const generated: Record<string, string> = {
  "flow lists nested without end": fill("["),
  "flow mappings nested without end": fill("{a: "),
  "block lists nested on one line": fill("- "),
  "complex keys nested on one line": fill("? "),
  "indentation without end": numbered(1400, (index) => `${" ".repeat(index)}a:\n`),
  "41 levels": `${"- ".repeat(41)}x`,
  "five megabytes": `project: ${"x".repeat(5 * 1024 * 1024)}\n`,
  "a line of a megabyte": `project: ${fill("x")}\n`,
  "a key of a megabyte": `${fill("x")}: 1\n`,
  "a hundred thousand keys": numbered(100_000, (index) => `k${index}:\n`),
  "the same key a hundred thousand times": fill("a:\n"),
  "twenty thousand keys that nearly fit": numbered(20_000, (index) => `projekt${index}: 1\n`),
  "a hundred thousand aliases": `a: &a 1\nb: [${fill("*a,").slice(0, -64)}]`,
  "an unclosed quote of a megabyte": `a: "${fill("x")}`,
  "only quotes": fill("'"),
  "only line ends": fill("\n"),
  "only spaces": fill(" "),
  "only comments": fill("# x\n"),
  "only documents": fill("---\n"),
  "only commas": `[${fill(",")}`,
  "two hundred stages in one circle": numbered(200, (index) => {
    const stage = `- { id: s${index}, needs: [s${(index + 1) % 200}], steps: [{ id: t${index}, kind: app.deploy }] }\n`;
    return index === 0 ? `version: 1\nstages:\n${stage}` : stage;
  }),
  "ten thousand stages": `stages:\n${numbered(10_000, (index) => `- { id: s${index}, steps: [] }\n`)}`,
};

describe("hostile runbooks", () => {
  it.each(Object.keys(generated))("%s: is refused with a position", (name) => {
    const result = parse(generated[name]!);
    expect(result.state).not.toBe("valid");
    expectPositions(result, generated[name]!);
  });

  it("lists a hundred mistakes and counts the others", () => {
    const result = parse(numbered(150, (index) => `k${index}: 1\n`));
    expect(result).toMatchObject({ state: "invalid", omitted: 51 });
  });
});

type Change =
  | { how: "flip"; at: number; byte: number }
  | { how: "delete" | "double"; at: number; length: number }
  | { how: "insert"; at: number; text: string };

function apply(buffer: Buffer, one: Change): Buffer {
  const before = buffer.subarray(0, one.at);
  const behind = buffer.subarray(one.at);
  if (one.how === "flip") return Buffer.concat([before, Buffer.from([one.byte]), behind.subarray(1)]);
  if (one.how === "insert") return Buffer.concat([before, Buffer.from(one.text), behind]);
  if (one.how === "delete") return Buffer.concat([before, behind.subarray(one.length)]);
  return Buffer.concat([before, behind.subarray(0, one.length), behind]);
}

describe("a runbook changed at random", () => {
  const bytes = Buffer.from(shop);
  const place = fc.nat({ max: bytes.length - 1 });
  const change: fc.Arbitrary<Change> = fc.oneof(
    fc.record({ how: fc.constant("flip" as const), at: place, byte: fc.integer({ min: 0, max: 255 }) }),
    fc.record({ how: fc.constant("delete" as const), at: place, length: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ how: fc.constant("double" as const), at: place, length: fc.integer({ min: 1, max: 200 }) }),
    fc.record({
      how: fc.constant("insert" as const),
      at: place,
      text: fc.constantFrom(
        "[",
        "{",
        "}",
        "- ",
        "? ",
        ": ",
        "&a ",
        "*a",
        "!x ",
        "|\n",
        "'",
        '"',
        "\t",
        "---\n",
        "<<: ",
        "\n",
        "~",
        "#",
      ),
    }),
  );

  it("is read or refused with positions, and never throws", () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = changes.reduce(apply, bytes);
        const decoded = decodeSource(changed);
        if ("refusal" in decoded) {
          expect(decoded.refusal.at.line).toBeGreaterThanOrEqual(1);
          expect(decoded.refusal.at.column).toBeGreaterThanOrEqual(1);
          return;
        }
        expectPositions(parse(decoded.text), decoded.text);
      }),
      { numRuns: 600 },
    );
  });
});
