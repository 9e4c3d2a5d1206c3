import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { dependenciesAudit } from "../../src/gates/dependencies-audit.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { createFakeClock } from "../../src/testing/fake-clock.ts";
import { AuditRegistry } from "../support/audit-registry.ts";
import { gateContext } from "../support/gate-context.ts";

let folder: string;
let registry: AuditRegistry;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tminus-audit-"));
  registry = await AuditRegistry.start();
  const manifest = {
    name: "shop",
    version: "1.0.0",
    dependencies: { ms: "0.7.1" },
    devDependencies: { tool: "1.0.0" },
  };
  write("package.json", manifest);
  write("package-lock.json", {
    name: "shop",
    version: "1.0.0",
    lockfileVersion: 3,
    requires: true,
    packages: {
      "": manifest,
      "node_modules/ms": { version: "0.7.1" },
      "node_modules/tool": { version: "1.0.0", dev: true },
    },
  });
});
afterEach(async () => {
  await registry.stop();
  rmSync(folder, { recursive: true, force: true });
});

const write = (path: string, content: unknown): void =>
  writeFileSync(join(folder, path), JSON.stringify(content));

const advisory = (severity: string, id = "GHSA-w9mr-4mfr-499f") => ({
  id: 1_094_419,
  url: `https://github.com/advisories/${id}`,
  title: "takes too long",
  severity,
  vulnerable_versions: "<2.0.0",
});

/** Asks with the real client. */
function check(settings: JsonObject = {}) {
  const context = gateContext(dependenciesAudit, settings, {
    projectDirectory: folder,
    processEnvironment: {
      PATH: process.env.PATH ?? "",
      HOME: folder,
      npm_config_registry: registry.url,
      npm_config_cache: join(folder, "cache"),
      npm_config_userconfig: join(folder, "none"),
    },
    world: { clock: createFakeClock({ start: new Date("2026-11-27T10:00:00Z") }) },
  });
  return dependenciesAudit.check(context);
}

it("passes when the registry answers that it knows nothing, and asked about every version in the lockfile", async () => {
  expect(await check()).toMatchObject({ verdict: "pass", reason: "no advisory of severity high or more" });
  expect(registry.asked).toEqual([{ ms: ["0.7.1"], tool: ["1.0.0"] }]);
});

it("fails with package, severity and advisory", async () => {
  registry.advisories = { ms: [advisory("high")] };
  expect(await check()).toMatchObject({
    verdict: "fail",
    reason: "1 advisory: ms (high, GHSA-w9mr-4mfr-499f)",
    evidence: { open: [{ title: "takes too long", url: expect.stringContaining("GHSA") as unknown }] },
  });
});

it("passes below the level, and keeps what is below as evidence", async () => {
  registry.advisories = { ms: [advisory("moderate")] };
  expect(await check()).toMatchObject({
    verdict: "pass",
    evidence: { below: ["ms (moderate, GHSA-w9mr-4mfr-499f)"] },
  });
  expect(await check({ level: "moderate" })).toMatchObject({ verdict: "fail" });
});

it("leaves out what only development needs when told so", async () => {
  registry.advisories = { tool: [advisory("critical")] };
  expect(await check()).toMatchObject({ verdict: "fail" });
  expect(await check({ dependencies: "production" })).toMatchObject({ verdict: "pass" });
});

it("lets an accepted advisory stay until the end of its last day, and only that one", async () => {
  registry.advisories = { ms: [advisory("high"), { ...advisory("critical", "GHSA-aaaa-bbbb-cccc"), id: 2 }] };
  const accepted = (until: string): JsonObject => ({
    accepted: [
      { id: "GHSA-w9mr-4mfr-499f", reason: "only our own text", until },
      { id: "GHSA-aaaa-bbbb-cccc", package: "other", reason: "not this one", until },
    ],
  });
  expect(await check(accepted("2026-11-27"))).toMatchObject({
    verdict: "fail",
    reason: "1 advisory: ms (critical, GHSA-aaaa-bbbb-cccc)",
    evidence: { accepted: ["ms (high, GHSA-w9mr-4mfr-499f): only our own text"] },
  });
  expect(await check(accepted("2026-11-26"))).toMatchObject({
    verdict: "fail",
    evidence: { endedExceptions: ["GHSA-w9mr-4mfr-499f"] },
  });
});

it.each([405, 500, 401])(
  "is undecided when the registry answers %i, although the client ends as it does for a vulnerability",
  async (status) => {
    registry.status = status;
    expect(await check()).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining(`no answer about advisories: ${status}`) as unknown,
    });
  },
);

it("is undecided when the registry cannot be reached, and when it takes too long", async () => {
  await registry.stop();
  expect(await check()).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("no answer about advisories") as unknown,
  });
  expect(await check({ timeout: "10ms" })).toMatchObject({
    verdict: "unknown",
    reason: "npm did not end within 0.01 s",
  });
});

it("is undecided without a lockfile, with two, and where the client is missing", async () => {
  mkdirSync(join(folder, "other"));
  expect(await check({ directory: "other" })).toMatchObject({
    verdict: "unknown",
    reason: "other has no lockfile",
  });
  write("other/pnpm-lock.yaml", {});
  const context = gateContext(
    dependenciesAudit,
    { directory: "other" },
    { projectDirectory: folder, processEnvironment: { PATH: folder } },
  );
  expect(await dependenciesAudit.check(context)).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("pnpm could not be started") as unknown,
  });
  write("other/yarn.lock", {});
  expect(await check({ directory: "other" })).toMatchObject({
    verdict: "unknown",
    reason: "other has both pnpm-lock.yaml and yarn.lock",
  });
});
