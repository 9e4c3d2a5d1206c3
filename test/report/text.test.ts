import { describe, expect, it } from "vitest";
import { clean, joinSegments, padTo, plainStyle, truncate, widthOf, wrap } from "../../src/report/text.ts";

describe("clean", () => {
  it("takes out colours, cursor moves, titles and hyperlinks that a command may have printed", () => {
    expect(clean("\u001b[31mred\u001b[0m \u001b[2J\u001b]0;owned\u0007x\u001b]8;;http://a\u001b\\link")).toBe(
      "red xlink",
    );
  });

  it("makes one line of many and drops control and direction characters", () => {
    expect(clean("a\r\nb\tc\u0000d\u202eevil\u200b")).toBe("a b cdevil");
  });
});

describe("width", () => {
  it("counts wide characters twice and combining marks not at all", () => {
    expect([widthOf("abc"), widthOf("日本"), widthOf("e\u0301"), widthOf("✓ ok"), widthOf("🚀")]).toEqual([
      3, 4, 1, 4, 2,
    ]);
  });

  it("never lets a cut text be wider than asked", () => {
    for (const text of ["abcdefgh", "日本語日本語", "a日b本c語", "✓✓✓✓✓✓"]) {
      for (let width = 0; width < 14; width++)
        expect(widthOf(truncate(text, width))).toBeLessThanOrEqual(width);
    }
    expect(truncate("abcdef", 4)).toBe("abc…");
    expect(padTo("日", 4)).toBe("日  ");
  });
});

describe("wrap", () => {
  it("indents the first line and the rest on their own and keeps the width", () => {
    expect(wrap("one two three four", 12, "- ", "   ")).toEqual(["- one two", "   three", "   four"]);
  });

  it("cuts a word that is longer than a line", () => {
    expect(wrap("x".repeat(25), 10)).toEqual(["x".repeat(10), "x".repeat(10), "x".repeat(5)]);
  });

  it("keeps any text within any width from 12 columns on", () => {
    const text = `short ${"long".repeat(20)} 日本語日本語 ${"a b ".repeat(30)}`.trim();
    for (let width = 12; width < 80; width++) {
      const lines = wrap(text, width, "  ", "    ");
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
      expect(lines.join("").replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
    }
  });
});

describe("joinSegments", () => {
  it("cuts across segments and paints only what is left", () => {
    const style = { ...plainStyle, red: (text: string) => `<${text}>` };
    expect(joinSegments([{ text: "abc" }, { text: "defg", paint: "red" }, { text: "h" }], 6, style)).toBe(
      "abc<de>…",
    );
    expect(joinSegments([{ text: "abc" }, { text: "def", paint: "red" }], 6, style)).toBe("abc<def>");
  });
});
