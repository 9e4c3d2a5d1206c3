import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dependenciesLockfile } from "../../src/gates/dependencies-lockfile.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { gateContext } from "../support/gate-context.ts";
import { GitRepository } from "../support/git-repository.ts";

let repository: GitRepository;
beforeEach(async () => {
  repository = await GitRepository.create();
});
afterEach(() => repository.remove());

const check = (settings: JsonObject = {}, environment = repository.environment, folder = repository.folder) =>
  dependenciesLockfile.check(
    gateContext(dependenciesLockfile, settings, {
      projectDirectory: folder,
      processEnvironment: environment,
    }),
  );

const manifest = (range: string, more: JsonObject = {}): string =>
  JSON.stringify({ name: "shop", version: "1.0.0", dependencies: { ms: range }, ...more });

describe("of npm", () => {
  const lock = (version: string, range: string): string =>
    JSON.stringify({
      name: "shop",
      version: "1.0.0",
      lockfileVersion: 3,
      requires: true,
      packages: {
        "": { name: "shop", version: "1.0.0", dependencies: { ms: range } },
        "node_modules/ms": { version },
      },
    });

  it("passes when both are committed and fit", async () => {
    await repository.commit({
      "package.json": manifest("^2.0.0"),
      "package-lock.json": lock("2.1.3", "^2.0.0"),
    });
    expect(await check()).toMatchObject({
      verdict: "pass",
      reason: "package-lock.json is committed and fits package.json",
    });
  });

  it("fails when package.json asks for another version, or the lockfile was edited by hand", async () => {
    await repository.commit({
      "package.json": manifest("^1.0.0"),
      "package-lock.json": lock("2.1.3", "^2.0.0"),
    });
    expect(await check()).toMatchObject({
      verdict: "fail",
      reason: "package-lock.json does not fit: invalid: ms@2.1.3 node_modules/ms",
    });
    await repository.commit({
      "package.json": manifest("^2.0.0"),
      "package-lock.json": lock("1.0.0", "^2.0.0"),
    });
    expect(await check()).toMatchObject({ verdict: "fail" });
  });

  it("fails when a dependency is not in the lockfile", async () => {
    const more = { devDependencies: { "left-pad": "^1.0.0" } };
    await repository.commit({
      "package.json": manifest("^2.0.0", more),
      "package-lock.json": lock("2.1.3", "^2.0.0"),
    });
    expect(await check()).toMatchObject({
      verdict: "fail",
      reason: expect.stringContaining("missing: left-pad@^1.0.0, required by shop@1.0.0") as unknown,
    });
  });

  it("fails when the lockfile is missing, is not committed, or is changed since", async () => {
    await repository.commit({ "package.json": manifest("^2.0.0") });
    expect(await check()).toMatchObject({ verdict: "fail", reason: "there is no lockfile" });
    repository.write("package-lock.json", lock("2.1.3", "^2.0.0"));
    expect(await check()).toMatchObject({ verdict: "fail", reason: "git does not track package-lock.json" });
    await repository.commit({});
    repository.write("package-lock.json", lock("2.1.2", "^2.0.0"));
    expect(await check()).toMatchObject({
      verdict: "fail",
      reason: "not committed as it is: package-lock.json",
    });
  });

  it("is undecided without npm, outside a repository, and in a folder that is not there", async () => {
    await repository.commit({
      "package.json": manifest("^2.0.0"),
      "package-lock.json": lock("2.1.3", "^2.0.0"),
    });
    const gitOnly = { ...repository.environment, PATH: "/nowhere" };
    expect(await check({}, gitOnly)).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining("git could not be started") as unknown,
    });
    expect(await check({ directory: "none" })).toMatchObject({ verdict: "unknown" });
  });

  it.each(["package.json", "package-lock.json"])(
    "is undecided when %s is no JSON, which npm takes for empty",
    async (name) => {
      const files = { "package.json": manifest("^2.0.0"), "package-lock.json": lock("2.1.3", "^2.0.0") };
      await repository.commit({ ...files, [name]: "{" });
      expect(await check()).toMatchObject({
        verdict: "unknown",
        reason: expect.stringContaining("is not understood: SyntaxError") as unknown,
      });
    },
  );
});

describe("of pnpm", () => {
  const lock = (specifier: string, head = ""): string =>
    `lockfileVersion: '9.0'\n${head}importers:\n  .:\n    dependencies:\n      ms:\n        specifier: ${specifier}\n        version: 2.1.3\n  apps/web: {}\n`;

  it("passes when every package.json asks for what the lockfile repeats, overrides aside", async () => {
    const files = { "package.json": manifest("^2.0.0"), "apps/web/package.json": "{}" };
    await repository.commit({ ...files, "pnpm-lock.yaml": lock("^2.0.0") });
    expect(await check()).toMatchObject({
      verdict: "pass",
      evidence: { compared: ["package.json", "apps/web/package.json"] },
    });
    await repository.commit({ "pnpm-lock.yaml": lock("2.1.3", "overrides:\n  ms@<2: 2.1.3\n") });
    expect(await check()).toMatchObject({ verdict: "pass" });
  });

  it("fails with what differs, in a workspace too", async () => {
    const web = JSON.stringify({ devDependencies: { vite: "^8.0.0" } });
    await repository.commit({
      "package.json": manifest("^3.0.0"),
      "apps/web/package.json": web,
      "pnpm-lock.yaml": lock("^2.0.0"),
    });
    expect(await check()).toMatchObject({
      verdict: "fail",
      reason:
        "pnpm-lock.yaml does not fit: package.json: ms is ^3.0.0, in the lockfile ^2.0.0, apps/web/package.json: vite is ^8.0.0, in the lockfile missing",
    });
  });

  it("is undecided when the lockfile or a package.json is not understood", async () => {
    await repository.commit({ "package.json": manifest("^2.0.0"), "pnpm-lock.yaml": "lockfileVersion: 1\n" });
    expect(await check()).toMatchObject({ verdict: "unknown" });
    await repository.commit({ "pnpm-lock.yaml": lock("^2.0.0") });
    expect(await check()).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining("apps/web/package.json does not exist") as unknown,
    });
  });
});

describe("of yarn", () => {
  const first = '# yarn lockfile v1\n\n\n"@x/y@^1.0.0", ms@^2.0.0:\n  version "2.1.3"\n';
  const later =
    '__metadata:\n  version: 8\n\n"ms@npm:^2.0.0":\n  version: 2.1.3\n\n"web@workspace:apps/web":\n  version: 0.0.0\n';

  it("passes when every range is a key", async () => {
    await repository.commit({
      "package.json": manifest("^2.0.0", { devDependencies: { "@x/y": "^1.0.0" } }),
      "yarn.lock": first,
    });
    expect(await check()).toMatchObject({ verdict: "pass" });
    await repository.commit({ "apps/web/package.json": manifest("^2.0.0"), "yarn.lock": later });
    expect(await check()).toMatchObject({
      verdict: "pass",
      evidence: { compared: ["apps/web/package.json"] },
    });
  });

  it("fails when one is not", async () => {
    await repository.commit({ "package.json": manifest("^3.0.0"), "yarn.lock": first });
    expect(await check()).toMatchObject({
      verdict: "fail",
      reason: "yarn.lock does not fit: package.json: ms@^3.0.0 is not in the lockfile",
    });
  });
});

it("fails when two lockfiles contradict each other, and looks into another folder when told so", async () => {
  await repository.commit({ "a/package.json": "{}", "a/yarn.lock": "", "a/pnpm-lock.yaml": "" });
  expect(await check({ directory: "a" })).toMatchObject({
    verdict: "fail",
    reason: "pnpm-lock.yaml and yarn.lock contradict each other",
  });
  expect(await check({}, repository.environment, join(repository.folder, "a"))).toMatchObject({
    verdict: "fail",
  });
});
