import { expect, it } from "vitest";
import { commandTargetSchema } from "../../../src/providers/command/index.ts";

const least = { kind: "command", deploy: ["deploy", "{release}"], status: ["status"] };

it("needs deploy and status alone", () => {
  expect(commandTargetSchema.parse(least)).toEqual({
    ...least,
    files: [],
    timeout: "10m",
    statusTimeout: "30s",
  });
});

it.each([
  [{ deploy: [] }],
  [{ status: undefined }],
  [{ status: ["status", "{release}"] }],
  [{ timeout: "0s" }],
  [{ timeout: "25h" }],
  [{ statusTimeout: "soon" }],
  [{ url: "ftp://x" }],
  [{ rolback: ["x"] }],
])("refuses %j", (change) => {
  expect(commandTargetSchema.safeParse({ ...least, ...change }).success).toBe(false);
});
