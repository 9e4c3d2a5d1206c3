import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { violationsIn } from "./support/architecture.ts";

const src = join(import.meta.dirname, "../src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts"));

describe("floor plan", () => {
  it("is kept by every source file", () => {
    expect(files.length).toBeGreaterThan(100);
    expect(files.flatMap((file) => violationsIn(file, readFileSync(join(src, file), "utf8")))).toEqual([]);
  });

  it("notices what it forbids", () => {
    const planted: [file: string, text: string, says: string][] = [
      ["engine/run.ts", 'import { x } from "../store/x.ts";', "engine imports store"],
      ["lib/x.ts", 'export * from "../model/x.ts";', "lib imports model"],
      ["steps/a/b.ts", 'const x = await import("../../providers/x.ts");', "steps imports providers"],
      ["model/x.ts", 'import type { T } from "../engine/x.ts";', "model imports engine"],
      ["steps/x.ts", 'import pg from "pg";', "uses pg"],
      ["engine/x.ts", 'import ICAL from "ical.js";', "uses time zones and calendar files"],
      ["engine/x.ts", 'import { DBOS } from "@dbos-inc/dbos-sdk";', "uses the durable engine"],
      ["report/x.ts", 'import { trace } from "@opentelemetry/api";', "uses OpenTelemetry"],
      ["cli/x.ts", 'import { spawn } from "node:child_process";', "uses child processes"],
      ["steps/x.ts", 'await fetch("http://x");', "uses fetch"],
      ["watch/x.ts", "const t = Date.now();", "uses time and timers"],
      ["plan/x.ts", "const t = new Date();", "uses time and timers"],
      ["engine/x.ts", "setTimeout(() => {}, 1);", "uses time and timers"],
      ["lib/clock.ts", "Math.random();", "uses Math.random"],
      ["helpers/x.ts", "", "is in no room of the floor plan"],
    ];
    for (const [file, text, says] of planted)
      expect(violationsIn(file, text).join(), `${file}: ${text}`).toContain(says);
  });

  it("allows what it allows", () => {
    expect(
      violationsIn(
        "engine/x.ts",
        'import { a } from "../plan/a.ts"; import { b } from "./b.ts"; new Date(5);',
      ),
    ).toEqual([]);
    expect(violationsIn("store/x.ts", 'import pg from "pg";')).toEqual([]);
  });
});

describe("files", () => {
  it("stay below 400 lines", () => {
    const long = files.filter((file) => readFileSync(join(src, file), "utf8").split("\n").length > 400);
    expect(long).toEqual([]);
  });
});
