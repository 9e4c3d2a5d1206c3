import { describe, expect, it } from "vitest";
import { localTargetSchema } from "../../../src/providers/local/schema.ts";

const least = { kind: "local", port: 8080, directory: "releases/{release}", command: ["node", "server.mjs"] };

describe("localTargetSchema", () => {
  it("fills in everything that has a usual value", () => {
    expect(localTargetSchema.parse(least)).toEqual({
      ...least,
      host: "127.0.0.1",
      shared: [],
      healthPath: "/health",
      healthDeadline: "30s",
      drainDeadline: "10s",
      stopGrace: "10s",
      keepWarm: 1,
      trustForwarded: false,
    });
  });

  it.each([
    ["a port out of range", { port: 0 }],
    ["a folder that is the same for all releases", { directory: "releases/current" }],
    ["no command", { command: [] }],
    ["a number as duration", { healthDeadline: 30 }],
    ["a duration that is none", { drainDeadline: "soon" }],
    ["a duration too long", { healthDeadline: "2h" }],
    ["a relative health path", { healthPath: "health" }],
    ["an unknown member", { helthPath: "/x" }],
  ])("refuses %s", (_what, change) => {
    expect(localTargetSchema.safeParse({ ...least, ...change }).success).toBe(false);
  });

  it("describes every member", () => {
    for (const [name, member] of Object.entries(localTargetSchema.shape)) {
      if (name !== "kind") expect(member.description, name).toBeTruthy();
    }
  });
});
