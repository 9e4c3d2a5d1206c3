import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesGlob } from "../../src/lib/glob.ts";

describe("matchesGlob", () => {
  it.each([
    ["application/json; charset=utf-8", "application/json*", true],
    ["text/html", "application/json*", false],
    ["abc", "abc", true],
    ["abc", "ab", false],
    ["", "*", true],
    ["aba", "ab*ba", false],
    ["a.b.c", "a*b*c", true],
    ["a.c.b", "a*b*c", false],
    ["abab", "*ab", true],
    ["a+(b)", "a+(*)", true],
  ])("%s against %s is %s", (text, pattern, expected) => {
    expect(matchesGlob(text, pattern)).toBe(expected);
  });

  it("agrees with the regular expression for the same pattern", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 });
    const patterns = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 6 });
    fc.assert(
      fc.property(letters, patterns, (text, pattern) => {
        const expression = new RegExp(`^${pattern.replaceAll("*", ".*")}$`);
        expect(matchesGlob(text, pattern)).toBe(expression.test(text));
      }),
      { numRuns: 500 },
    );
  });
});
