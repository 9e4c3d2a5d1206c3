import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildConsole } from "../../tools/web/build-console.ts";
import { consoleSizes, overBudget } from "../../tools/web/console-sizes.ts";

const folder = mkdtempSync(join(tmpdir(), "tminus-console-"));

beforeAll(() => buildConsole(folder), 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the built console", () => {
  it("is small enough for a phone on a bad day", () => {
    expect(overBudget(consoleSizes(folder))).toEqual([]);
    expect(consoleSizes(folder).every(({ bytes }) => bytes > 1000)).toBe(true);
  });

  it("puts nothing inline, which the server's policy would refuse", () => {
    const page = readFileSync(join(folder, "index.html"), "utf8");
    expect(page).toContain('<script type="module"');
    expect(page).not.toMatch(/<style|style=|<script(?![^>]*\ssrc=)|\son\w+=/);
  });

  it("takes no schema library along with the functions that it shares with the command line", () => {
    const files = readdirSync(join(folder, "assets")).filter((file) => file.endsWith(".js"));
    const text = files.map((file) => readFileSync(join(folder, "assets", file), "utf8")).join("\n");
    expect(text).toContain("ROLLING BACK");
    expect(text).not.toMatch(/ZodError|invalid_type/);
  });

  it("is refused when it grows beyond its budget", () => {
    const large = mkdtempSync(join(folder, "large-"));
    const noise = Array.from({ length: 20_000 }, (_, index) => (index * 2_654_435_761).toString(36)).join("");
    writeFileSync(join(large, "a.js"), noise);
    expect(overBudget(consoleSizes(large)).map(({ kind }) => kind)).toEqual(["JS"]);
  });
});
