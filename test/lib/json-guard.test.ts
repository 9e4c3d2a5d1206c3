import { describe, expect, it } from "vitest";
import { jsonProblem } from "../../src/lib/json-guard.ts";

const limits = { depth: 3, values: 5 };

describe("a JSON text", () => {
  it.each([
    "",
    "1",
    "[[[1]]]",
    '{"a":{"b":[1]}}',
    "[1,2,3,4]",
    String.raw`"\ud83d\ude00 \\u0000 \" [[[[[,,,,,,,"`,
    "[1",
    '"',
  ])("may be parsed within the limits: %s", (text) => {
    expect(jsonProblem(text, limits)).toBeUndefined();
  });

  it.each([
    ["[[[[", "more than 3 deep"],
    ['{"a":{"a":{"a":{', "more than 3 deep"],
    ["[1,2,3,4,5,6", "more than 5 values"],
    ["[[],[],[],[]]", "more than 5 values"],
    [String.raw`["\u0000"]`, "U+0000"],
    [String.raw`["\\\u0000"]`, "U+0000"],
    [String.raw`["\ud800"]`, "half a surrogate pair"],
    [String.raw`["\ud800\ud800"]`, "half a surrogate pair"],
    [String.raw`["\udc00\ud800"]`, "half a surrogate pair"],
    [String.raw`{"\uD83D":1}`, "half a surrogate pair"],
  ])("is not parsed beyond them: %s", (text, problem) => {
    expect(jsonProblem(text, limits)).toContain(problem);
  });
});
