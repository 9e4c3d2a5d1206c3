import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { bundleSize } from "../../src/gates/bundle-size.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { gateContext } from "../support/gate-context.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tminus-bundle-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

const check = (settings: JsonObject) =>
  bundleSize.check(gateContext(bundleSize, { directory: "dist", ...settings }, { projectDirectory: folder }));

it("adds up the files that fit, on disk and each compressed, and passes at the limit itself", async () => {
  const [one, two] = ["a".repeat(6000), "b".repeat(4000)] as const;
  write("dist/app.js", one);
  write("dist/assets/more.js", two);
  write("dist/app.css", "x".repeat(50_000));
  symlinkSync(join(folder, "dist/app.js"), join(folder, "dist/link.js"));
  const gzip = gzipSync(one, { level: 9 }).length + gzipSync(two, { level: 9 }).length;
  expect(await check({ budgets: [{ files: "*.js", raw: "10 kB", gzip: `${gzip} B` }] })).toMatchObject({
    verdict: "pass",
    reason: `*.js has 10.0 kB, ${gzip} B compressed`,
    evidence: { budgets: [{ files: "*.js", count: 2, rawBytes: 10_000, gzipBytes: gzip }] },
  });
});

it("fails with every budget that is exceeded", async () => {
  write("dist/app.js", randomBytes(2001));
  const outcome = await check({ budgets: [{ files: "*.js", raw: "2 kB", gzip: "0.5 kB" }] });
  expect(outcome).toMatchObject({ verdict: "fail" });
  expect(outcome.reason).toMatch(
    /^\*\.js has 2\.0 kB, 2 kB allowed, \*\.js has 2\.0 kB compressed, 0\.5 kB allowed$/,
  );
});

it("compares with the release before, and says so when there was none", async () => {
  write("dist/app.js", "a".repeat(1100));
  write("old/v1/app.js", "a".repeat(1000));
  const settings = (growth: number, previous = "old/v1"): JsonObject => ({
    previous,
    budgets: [{ files: "*.js", growth }],
  });
  expect(await check(settings(10))).toMatchObject({ verdict: "pass" });
  expect(await check(settings(9))).toMatchObject({
    verdict: "fail",
    reason: "*.js grew from 1.0 kB to 1.1 kB, 9 % allowed",
  });
  expect(await check(settings(0, "old/{previous}"))).toMatchObject({
    verdict: "pass",
    evidence: { previous: "not compared: no release is live before this one" },
  });
});

it("is undecided when nothing was built, no file fits, or there is nothing to compare with", async () => {
  const budgets = [{ files: "*.js", growth: 10 }];
  expect(await check({ budgets: [{ files: "*.js", raw: "1 kB" }] })).toMatchObject({
    verdict: "unknown",
    reason: "dist does not exist",
  });
  write("dist/app.css", "");
  expect(await check({ budgets: [{ files: "*.js", raw: "1 kB" }] })).toMatchObject({
    verdict: "unknown",
    reason: "no file in dist fits *.js",
  });
  write("dist/app.js", "a");
  expect(await check({ previous: "old/v1", budgets })).toMatchObject({
    verdict: "unknown",
    reason: "old/v1 does not exist",
  });
  write("old/v1/app.css", "");
  expect(await check({ previous: "old/v1", budgets })).toMatchObject({
    verdict: "unknown",
    reason: "no file in old/v1 fits *.js",
  });
});

it("refuses a size that is none, a budget without a limit, and growth without a folder to compare with", () => {
  const parse = (settings: JsonObject): string | undefined =>
    bundleSize.schema.safeParse({ directory: "dist", ...settings }).error?.issues[0]?.message;
  expect(parse({ budgets: [{ files: "*", raw: "1 KiB" }] })).toContain("is not a size");
  expect(parse({ budgets: [{ files: "*" }] })).toContain("sets no limit");
  expect(parse({ budgets: [{ files: "*", growth: 5 }] })).toContain("growth needs previous");
});
