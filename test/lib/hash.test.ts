import { describe, expect, it } from "vitest";
import { canonicalJson, hashJson, sha256 } from "../../src/lib/hash.ts";

describe("hashes", () => {
  it("are SHA-256 in hex", () => {
    expect(sha256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(sha256(new TextEncoder().encode("abc"))).toBe(sha256("abc"));
  });

  it("are the same for equal values, whatever the order of keys and with members that are undefined", () => {
    expect(hashJson({ a: 1, b: [{ d: 2, c: 3 }] })).toBe(
      hashJson({ b: [{ c: 3, d: 2, e: undefined }], a: 1 }),
    );
    expect(canonicalJson({ b: "ü\n", a: 1e21 })).toBe('{"a":1e+21,"b":"ü\\n"}');
  });

  it("differ for values that only look alike", () => {
    const values = [{ a: 1 }, { a: "1" }, { a: null }, {}, [], [1], ["1"], "a", { a: [1] }];
    expect(new Set(values.map(hashJson)).size).toBe(values.length);
  });

  it("are refused for what has no JSON form", () => {
    expect(() => hashJson(undefined)).toThrow(TypeError);
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(() => hashJson(circle)).toThrow();
  });
});
