import { describe, expect, it } from "vitest";
import { ansiSpans } from "../../web/parts/ansi.ts";

const ESC = "\u001b";

describe("output with colours", () => {
  it("becomes pieces of text with their looks, until they are reset", () => {
    expect(ansiSpans(`plain ${ESC}[1;31mbold red${ESC}[0m again ${ESC}[4munder${ESC}[24mlined`)).toEqual([
      { text: "plain " },
      { text: "bold red", isBold: true, colour: 1 },
      { text: " again " },
      { text: "under", isUnderlined: true },
      { text: "lined" },
    ]);
  });

  it("has bright colours, those of 256, and the nearest of a million", () => {
    const spans = ansiSpans(
      `${ESC}[92ma${ESC}[38;5;208mb${ESC}[38;2;255;0;0mc${ESC}[48;5;21md${ESC}[39;49me`,
    );
    expect(spans.map(({ colour, ground }) => [colour, ground])).toEqual([
      [10, undefined],
      [208, undefined],
      [196, undefined],
      [196, 21],
      [undefined, undefined],
    ]);
  });

  it("loses every other sequence, whole or cut, and what turns or hides text", () => {
    const attacks = [
      `${ESC}]0;title\u0007`,
      `${ESC}]8;;http://evil.example${ESC}\\link${ESC}]8;;${ESC}\\`,
      `${ESC}]52;c;ZXZpbA==\u0007`,
      `${ESC}P+q544e${ESC}\\`,
      `${ESC}[2J${ESC}[H`,
      `${ESC}[?1049h`,
      `${ESC}c`,
      `${ESC}[38;5`,
      `${ESC}[999999999999m`,
      "\u202e\u2066\u200b\u0000\u009b31m\b\u007f",
      ESC,
    ];
    for (const attack of attacks) {
      const text = ansiSpans(`a${attack}b`)
        .map((span) => span.text)
        .join("");
      expect(text, JSON.stringify(attack)).toMatch(/^a(link|31m)?b?$/);
      // oxlint-disable-next-line no-control-regex -- these must be gone
      expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u202e\u2066-\u2069]/);
    }
  });

  it("keeps markup as the text that it is", () => {
    const text = "<img src=x onerror=alert(1)>&amp;";
    expect(ansiSpans(text)).toEqual([{ text }]);
  });

  it("stays small however often the looks change", () => {
    const spans = ansiSpans(`${ESC}[31mx${ESC}[0my`.repeat(50_000));
    expect(spans.length).toBeLessThanOrEqual(20_001);
    expect(spans.reduce((sum, { text }) => sum + text.length, 0)).toBe(100_000);
  });
});
