import { describe, expect, it } from "vitest";
import { decodeSource, guardTokens, MAX_BYTES, MAX_DEPTH } from "../../src/runbook/guard.ts";
import { SourceText } from "../../src/runbook/source-text.ts";

function refusalOf(bytes: Uint8Array): { line: number; column: number; message: string } | undefined {
  const decoded = decodeSource(bytes);
  return "refusal" in decoded ? { ...decoded.refusal.at, message: decoded.refusal.message } : undefined;
}

describe("decodeSource", () => {
  it("gives UTF-8 text, without its byte order mark", () => {
    expect(decodeSource(Buffer.from("\uFEFFgrüße: 😀"))).toEqual({ text: "grüße: 😀" });
  });

  it.each<[string, Buffer, number, number]>([
    ["Latin-1", Buffer.from("a: 1\nb: gr\u00fc\u00dfe\n", "latin1"), 2, 6],
    ["a stray continuation byte", Buffer.from([0x61, 0x0a, 0x62, 0x80, 0x63]), 2, 2],
    ["a cut sequence at the end", Buffer.from([0x61, 0xe2, 0x82]), 1, 2],
    ["a cut sequence in the middle", Buffer.from([0x61, 0xf0, 0x9f, 0x61]), 1, 2],
    ["an overlong slash", Buffer.from([0x61, 0x61, 0xc0, 0xaf]), 1, 3],
    ["a surrogate", Buffer.from([0x0a, 0xed, 0xa0, 0x80]), 2, 1],
    ["a bad byte after a wide character", Buffer.from([...Buffer.from("ü€😀"), 0xff]), 1, 5],
    ["UTF-16 with its mark", Buffer.from("\uFEFFversion: 1", "utf16le"), 1, 1],
  ])("names the first bad byte of %s", (_, bytes, line, column) => {
    expect(refusalOf(bytes)).toMatchObject({ line, column });
  });

  it("refuses more than 1 MiB and takes exactly 1 MiB", () => {
    expect(refusalOf(Buffer.alloc(MAX_BYTES + 1, "a"))).toMatchObject({ line: 1, column: 1 });
    expect(refusalOf(Buffer.alloc(MAX_BYTES, "a"))).toBeUndefined();
  });
});

describe("guardTokens", () => {
  const nested = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  const guard = (text: string): ReturnType<typeof guardTokens> => guardTokens(new SourceText("f", text));

  it(`takes ${MAX_DEPTH} levels and refuses one more at its place`, () => {
    expect(guard(nested(MAX_DEPTH))).toHaveProperty("tokens");
    expect(guard(nested(MAX_DEPTH + 1))).toMatchObject({
      refusal: { at: { line: 1, column: MAX_DEPTH + 1 } },
    });
  });

  it("does not count brackets inside text and comments", () => {
    const brackets = "[".repeat(500);
    expect(
      guard(`a: '${brackets}'\nb: "${brackets}"\nc: x${brackets}\nd: |\n  ${brackets}\n# ${brackets}\n`),
    ).toHaveProperty("tokens");
  });
});
