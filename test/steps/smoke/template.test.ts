import type { Json } from "../../../src/model/json.ts";
import { describe, expect, it } from "vitest";
import { fillJson, fillText, namesIn, type TemplateValues } from "../../../src/steps/smoke/template.ts";

const values: TemplateValues = {
  captures: new Map<string, Json>([
    ["token", "a/b c"],
    ["count", 5],
  ]),
  variables: { API_KEY: "key-1" },
  random: "x1y2",
};

describe("fillText", () => {
  it("puts captures, variables and the random text in", () => {
    expect(fillText("${capture.token} ${variable.API_KEY} ${random}", values)).toEqual({
      ok: true,
      value: "a/b c key-1 x1y2",
    });
  });

  it("encodes the values and nothing else", () => {
    expect(fillText("/a b/${capture.token}", values, encodeURIComponent)).toEqual({
      ok: true,
      value: "/a b/a%2Fb%20c",
    });
  });

  it("names what has no value, and never reads what every object has", () => {
    expect(fillText("${capture.other}", values)).toEqual({ ok: false, missing: "capture.other" });
    expect(fillText("${variable.constructor}", values)).toEqual({
      ok: false,
      missing: "variable.constructor",
    });
  });

  it("does not look again at what it put in", () => {
    const tricky = { ...values, captures: new Map([["token", "${variable.API_KEY}"]]) };
    expect(fillText("${capture.token}", tricky)).toEqual({ ok: true, value: "${variable.API_KEY}" });
  });
});

describe("fillJson", () => {
  it("keeps the type of a captured value that stands alone", () => {
    expect(fillJson({ a: ["${capture.count}", "n=${capture.count}"] }, values)).toEqual({
      ok: true,
      value: { a: [5, "n=5"] },
    });
  });
});

describe("namesIn", () => {
  it("finds names in every string of a value", () => {
    expect(namesIn({ a: ["${random}", { b: "x${capture.token}y" }], c: 1 })).toEqual([
      "random",
      "capture.token",
    ]);
  });
});
