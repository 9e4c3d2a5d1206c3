import { expect, it } from "vitest";
import { createOutputTail, lastLines } from "../../src/lib/output-tail.ts";

it("keeps everything up to the limit, and the end beyond it", () => {
  const tail = createOutputTail(10);
  tail.push("12345");
  tail.push("67890");
  expect(tail.text()).toBe("1234567890");
  tail.push("abc");
  expect(tail.text()).toBe("[the first 3 characters are left out]\n4567890abc");
});

it("knows the last line that is not blank", () => {
  const tail = createOutputTail(100);
  expect(tail.lastLine()).toBe("");
  tail.push("one\ntwo  \n\n  \n");
  expect(tail.lastLine()).toBe("two");
});

it("cuts lines at any line end, and long ones short", () => {
  expect(lastLines("a\r\nb\rc\n\n", 2)).toEqual(["b", "c"]);
  expect(lastLines("x".repeat(1000), 1)[0]).toHaveLength(300);
});
