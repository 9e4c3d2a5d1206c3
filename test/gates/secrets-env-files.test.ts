import { afterEach, beforeEach, expect, it } from "vitest";
import { secretsEnvFiles } from "../../src/gates/secrets-env-files.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { gateContext } from "../support/gate-context.ts";
import { GitRepository } from "../support/git-repository.ts";

let repository: GitRepository;
beforeEach(async () => {
  repository = await GitRepository.create();
});
afterEach(() => repository.remove());

const check = (settings: JsonObject = {}, folder = repository.folder) =>
  secretsEnvFiles.check(
    gateContext(secretsEnvFiles, settings, {
      projectDirectory: folder,
      processEnvironment: repository.environment,
    }),
  );

it("passes when only examples are tracked, whatever lies beside them", async () => {
  await repository.commit({ ".env.example": "A=", "apps/web/.env.production.sample": "A=", "env.ts": "" });
  repository.write(".env", "A=1");
  expect(await check()).toMatchObject({
    verdict: "pass",
    reason: "no .env file among 3 tracked files",
    evidence: { examples: [".env.example", "apps/web/.env.production.sample"] },
  });
});

it("fails with every .env file that is tracked, in any folder and under any usual name", async () => {
  await repository.commit({
    ".env": "A=1",
    "apps/web/.env.local": "A=1",
    "deploy/production.env": "A=1",
    ".envrc": "",
    ".ENV.prod": "",
  });
  expect(await check()).toMatchObject({
    verdict: "fail",
    reason: "tracked by git: .ENV.prod, .env, .envrc, apps/web/.env.local, deploy/production.env",
    fix: expect.stringContaining("git rm --cached") as unknown,
  });
});

it("takes other names for examples when told so", async () => {
  await repository.commit({ ".env.test": "A=" });
  expect(await check()).toMatchObject({ verdict: "fail" });
  expect(await check({ examples: [".env.test"] })).toMatchObject({ verdict: "pass" });
});

it("is undecided where there is no repository", async () => {
  expect(await check({}, "/")).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("not a git repository") as unknown,
  });
});
