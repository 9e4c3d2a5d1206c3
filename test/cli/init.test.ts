import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runbookKinds } from "../../src/compose.ts";
import { loadRunbook } from "../../src/runbook/load.ts";
import { runCommand } from "./support/run-command.ts";

const noTminus = async (): Promise<never> => {
  throw new Error("init opens nothing");
};

describe("init", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "tminus-init-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const init = (...argv: string[]): ReturnType<typeof runCommand> =>
    runCommand(noTminus, ["init", ...argv], { directory: folder });

  it("writes a valid runbook from scripts, migrations and git, and says why each line is there", async () => {
    const scripts = { test: "vitest", lint: "oxlint", start: "node server.mjs" };
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "@acme/web shop", scripts }));
    await mkdir(join(folder, "db/migrations"), { recursive: true });
    await mkdir(join(folder, ".git"));
    const result = await init();
    expect(result.exitCode).toBe(0);
    expect(result.stdout).toContain('gate test  because package.json has a script "test"');
    const { runbook } = await loadRunbook({ directory: folder, kinds: runbookKinds });
    expect(runbook.project).toBe("web-shop");
    expect(runbook.gates.map(({ id }) => id)).toEqual(["lint", "test", "clean"]);
    expect(runbook.stages[0]?.steps[0]).toMatchObject({
      kind: "db.migrate",
      with: { directory: "db/migrations" },
    });
    expect(Object.keys(runbook.environments)).toEqual(["staging", "production"]);
  });

  it("writes a valid runbook for an empty folder", async () => {
    expect((await init("--json")).exitCode).toBe(0);
    const { runbook } = await loadRunbook({ directory: folder, kinds: runbookKinds });
    expect(runbook.stages.map(({ id }) => id)).toEqual(["application"]);
  });

  it("never overwrites a runbook without --force", async () => {
    await writeFile(join(folder, "tminus.yaml"), "mine");
    const refused = await init();
    expect(refused.exitCode).toBe(2);
    expect(await readFile(join(folder, "tminus.yaml"), "utf8")).toBe("mine");
    expect((await init("--force")).exitCode).toBe(0);
    expect(await readFile(join(folder, "tminus.yaml"), "utf8")).toContain("version: 1");
  });

  it("names a package.json that cannot be read and writes nothing", async () => {
    await writeFile(join(folder, "package.json"), "{");
    const result = await init();
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain("package.json");
    await expect(readFile(join(folder, "tminus.yaml"))).rejects.toThrow();
  });
});
