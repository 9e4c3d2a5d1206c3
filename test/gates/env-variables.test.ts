import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { envVariables } from "../../src/gates/env-variables.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { gateContext } from "../support/gate-context.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tminus-variables-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const EXAMPLE =
  '# shown to everybody\nDATABASE_URL=postgres://localhost/shop\nexport LOG_LEVEL = info\nBANNER="two\nlines"\n';
const VARIABLES = { DATABASE_URL: "env:DB", LOG_LEVEL: "env:LEVEL", BANNER: "env:BANNER" };
const SECRETS = { "env:DB": "postgres://app:s3cr3t@db/shop", "env:LEVEL": "warn", "env:BANNER": "hi there" };

function check(settings: JsonObject = {}, variables: Record<string, string> = VARIABLES, secrets = SECRETS) {
  const world = { environment: { variables } };
  return envVariables.check(
    gateContext(envVariables, settings, { projectDirectory: folder, secrets, world }),
  );
}

it("passes when the runbook names the variables of the file, and says that the target was not asked", async () => {
  writeFileSync(join(folder, ".env.example"), EXAMPLE);
  expect(await check()).toMatchObject({
    verdict: "pass",
    reason: "the runbook and .env.example agree on 3 variables",
    evidence: { target: expect.stringContaining("not compared") as unknown },
  });
});

it("fails with the names that are missing, with their place, and with those too many", async () => {
  writeFileSync(join(folder, ".env.example"), EXAMPLE);
  const outcome = await check({}, { DATABASE_URL: "env:DB", OLD_KEY: "env:LEVEL", BANNER: "env:BANNER" });
  expect(outcome).toMatchObject({
    verdict: "fail",
    reason:
      "in .env.example but not in the runbook: LOG_LEVEL; in the runbook but not in .env.example: OLD_KEY",
    evidence: { missing: [{ name: "LOG_LEVEL", at: ".env.example:3" }], extra: ["OLD_KEY"] },
  });
});

it("fails on a variable that has no value here, and never shows the value of another", async () => {
  writeFileSync(join(folder, ".env.example"), EXAMPLE);
  const outcome = await check({}, { ...VARIABLES, LOG_LEVEL: "env:NOT_SET" });
  expect(outcome).toMatchObject({
    verdict: "fail",
    reason: "without a value here: LOG_LEVEL",
    evidence: { withoutValue: [{ name: "LOG_LEVEL", reference: "env:NOT_SET" }] },
  });
  expect(JSON.stringify(outcome)).not.toContain("s3cr3t");
});

it("leaves out the names that the settings except, on either side", async () => {
  writeFileSync(join(folder, "needed.env"), "DATABASE_URL=\nDEBUG=1\n");
  const settings = { file: "needed.env", notDeployed: ["DEBUG"], notListed: ["BANNER", "LOG_LEVEL"] };
  expect(await check(settings)).toMatchObject({ verdict: "pass" });
});

it("is undecided when there is no such file, when it is a folder, and when it leads out of the project", async () => {
  expect(await check()).toMatchObject({ verdict: "unknown", reason: ".env.example does not exist" });
  expect(await check({ file: "." })).toMatchObject({ verdict: "unknown" });
  symlinkSync("/etc/hostname", join(folder, "outside.env"));
  expect(await check({ file: "outside.env" })).toMatchObject({
    verdict: "unknown",
    reason: "outside.env leads out of the project",
  });
});
