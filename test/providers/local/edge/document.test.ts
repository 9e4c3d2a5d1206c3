import { describe, expect, it } from "vitest";
import { decide, emptyDocument, parseDocument } from "../../../../src/providers/local/edge/document.ts";
import { documentOf, routeTo } from "../rig.ts";

const valid = documentOf(1, [routeTo("v2", 2, 5), routeTo("v1", 1, 95)]);

describe("parseDocument", () => {
  it("gives back a valid document, whatever the order of its members", () => {
    const reversed = Object.fromEntries(Object.entries(valid).reverse());
    expect(JSON.stringify(parseDocument(reversed))).toBe(JSON.stringify(valid));
    expect(parseDocument(emptyDocument)).toEqual(emptyDocument);
  });

  it.each([
    ["no object", null, "document"],
    ["a list", [], "document"],
    ["a fraction as generation", { ...valid, generation: 1.5 }, "generation"],
    ["a negative fence", { ...valid, fence: -1 }, "fence"],
    ["an unknown mode", { ...valid, mode: "off" }, "mode"],
    ["a hold without end", { ...valid, holdMs: 1e9 }, "holdMs"],
    ["an unknown member", { ...valid, extra: 1 }, "extra"],
    ["weights that are not 100 together", { ...valid, routes: [routeTo("v1", 1, 99)] }, "add up to 99"],
    ["a weight above 100", { ...valid, routes: [routeTo("v1", 1, 101)] }, "weightPercent"],
    ["an instance twice", { ...valid, routes: [routeTo("v1", 1, 50), routeTo("v1", 2, 50)] }, "twice"],
    ["a port out of range", { ...valid, routes: [routeTo("v1", 70_000, 100)] }, "port"],
    ["a release that could break a header", { ...valid, routes: [routeTo("v1\r\nX: 1", 1, 100)] }, "release"],
    [
      "too many routes",
      { ...valid, routes: Array.from({ length: 65 }, (_, i) => routeTo(`v${i}`, 1, 0)) },
      "64",
    ],
  ])("refuses %s and names it", (_what, value, name) => {
    expect(() => parseDocument(value)).toThrow(name);
  });
});

describe("decide", () => {
  const current = documentOf(7, [routeTo("v1", 1, 100)], { fence: 3 });

  it("applies the next generation of the same or a newer fence", () => {
    expect(decide(current, { ...current, generation: 8 })).toEqual({ decision: "apply" });
    expect(decide(current, { ...current, generation: 8, fence: 4 })).toEqual({ decision: "apply" });
  });

  it("takes the same document again as a repeat", () => {
    expect(decide(current, structuredClone(current))).toEqual({ decision: "same" });
  });

  it.each([
    ["an older fence", { generation: 8, fence: 2 }],
    ["the same generation with another content", { mode: "readonly" as const }],
    ["an older generation", { generation: 6 }],
    ["a generation too far", { generation: 9 }],
  ])("refuses %s", (_what, change) => {
    expect(decide(current, { ...current, ...change })).toMatchObject({ decision: "conflict" });
  });
});
