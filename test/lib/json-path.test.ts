import { describe, expect, it } from "vitest";
import { jsonPathProblem, selectJson } from "../../src/lib/json-path.ts";

describe("jsonPathProblem", () => {
  it("has nothing against paths, filters and the functions that count", () => {
    for (const path of [
      "$.a.b",
      "$..id",
      "$.items[?@.price > 5].name",
      "$[?length(@.name) > 3]",
      "$['x y'][0]",
    ]) {
      expect(jsonPathProblem(path)).toBeUndefined();
    }
  });

  it("says what is wrong with text that is not a path", () => {
    expect(jsonPathProblem("$.a[")).toContain("Expected");
    expect(jsonPathProblem("status")).toBeDefined();
  });

  it("refuses the functions that run a regular expression, wherever they stand", () => {
    for (const path of [
      "$[?match(@.a, '(a+)+')]",
      "$.b[?(@.x == 1 || !search(@.a, 'x'))]",
      "$[?count(@[?match(@, 'a')]) > 1]",
    ]) {
      expect(jsonPathProblem(path)).toContain("is not supported");
    }
  });
});

describe("selectJson", () => {
  it("gives every value that the path selects", () => {
    expect(selectJson({ items: [{ id: 1 }, { id: 2 }] }, "$.items[*].id")).toEqual([1, 2]);
    expect(selectJson({ items: [] }, "$.items[0].id")).toEqual([]);
  });
});
