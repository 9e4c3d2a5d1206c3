import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ended, protectedPlan } from "./support/cases.ts";
import { fakeTminus, type FakeTminus } from "./support/fake-tminus.ts";
import { runCommand, type CommandOptions, type CommandResult } from "./support/run-command.ts";
import { samplePlan } from "./support/sample-run.ts";

describe("a protected environment", () => {
  const deploy = async (argv: string[], options: CommandOptions): Promise<[CommandResult, FakeTminus]> => {
    const fake = fakeTminus(protectedPlan, { afterFollow: ended });
    return [await runCommand(fake, ["deploy", "--release", "v2", ...argv], options), fake];
  };

  it("is changed when its name was typed, or one of the flags given", async () => {
    const [typed, fake] = await deploy([], { isTty: true, answer: "production\n" });
    expect(typed.asked).toHaveLength(1);
    expect(typed.exitCode).toBe(0);
    expect(fake.started).toHaveLength(1);
    for (const flag of ["--yes", "--confirm=production"])
      expect((await deploy([flag], {}))[0].exitCode).toBe(0);
  });

  it("is not changed by another word, another name, --no-input or a variable", async () => {
    const tries: [string[], CommandOptions][] = [
      [[], { isTty: true, answer: "yes" }],
      [["--confirm=staging"], {}],
      [["--no-input"], { isTty: true, answer: "production" }],
      [["--json"], { isTty: true, answer: "production" }],
      [[], { environment: { TMINUS_YES: "1", TMINUS_CONFIRM: "production", YES: "1" } }],
    ];
    for (const [argv, options] of tries) {
      const [result, fake] = await deploy(argv, options);
      expect(result.exitCode).toBe(2);
      expect(fake.started).toHaveLength(0);
    }
  });
});

describe("environments", () => {
  it("must be named when there are several, and the one meant is always printed", async () => {
    const several = (): FakeTminus => fakeTminus(samplePlan(), { environments: ["staging", "production"] });
    const unnamed = await runCommand(several(), ["plan", "--release", "v2"]);
    expect(unnamed.exitCode).toBe(2);
    expect(unnamed.stderr).toContain("staging, production");
    const named = await runCommand(several(), ["plan", "--release", "v2", "--env", "staging"]);
    expect(named.exitCode).toBe(0);
    expect(named.stderr).toContain("staging · shop");
  });
});

describe("a deploy at a time from now", () => {
  it("keeps that time when its plan went stale and is made again", async () => {
    const zeroAt = "2026-11-27T14:00:00.000Z";
    const at = "2026-11-27T10:00:00.000Z";
    const stale = { decision: "fail", code: "PLAN_STALE", reason: "moved", by: "tminus", at } as const;
    const fake = fakeTminus(samplePlan({ scheduled: { zeroAt, zone: "UTC" } }), {
      afterFollow: { ...ended, outcome: "failed", verdict: stale },
    });
    await runCommand(fake, ["deploy", "--release", "v2", "--at", "4h"], {});
    expect(fake.plans.map((request) => request.at)).toEqual(["4h", zeroAt, zeroAt, zeroAt, zeroAt]);
  });
});

describe("a plan in a file", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "tminus-cli-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("is written by plan and deployed as it is", async () => {
    const fake = fakeTminus(samplePlan(), { afterFollow: ended });
    const options = { directory: folder };
    expect((await runCommand(fake, ["plan", "--release", "v2", "-o", "plan.json"], options)).exitCode).toBe(
      0,
    );
    expect((await runCommand(fake, ["deploy", "--plan", "plan.json"], options)).exitCode).toBe(0);
    expect(fake.started[0]?.plan).toEqual(samplePlan());
  });

  it("is refused when a byte of it was edited", async () => {
    const fake = fakeTminus(samplePlan());
    await runCommand(fake, ["plan", "--release", "v2", "-o", "plan.json"], { directory: folder });
    const path = join(folder, "plan.json");
    await writeFile(path, (await readFile(path, "utf8")).replace('"percent": 25', '"percent": 99'));
    const result = await runCommand(fake, ["deploy", "--plan", "plan.json"], { directory: folder });
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain("error PLAN_UNREADABLE");
    expect(fake.started).toHaveLength(0);
  });

  it("is refused with the names of what moved", async () => {
    const fake = fakeTminus(samplePlan(), { stale: true });
    await runCommand(fake, ["plan", "--release", "v2", "-o", "plan.json"], { directory: folder });
    const result = await runCommand(fake, ["deploy", "--plan", "plan.json"], { directory: folder });
    expect(result.exitCode).toBe(8);
    expect(result.stderr).toContain("  - live traffic (was v1, is v9)");
  });

  it("is refused for another environment than the one named", async () => {
    const fake = fakeTminus(samplePlan(), { environments: ["staging", "production"] });
    await runCommand(fake, ["plan", "--release", "v2", "--env", "production", "-o", "plan.json"], {
      directory: folder,
    });
    const result = await runCommand(fake, ["deploy", "--plan", "plan.json", "--env", "staging"], {
      directory: folder,
    });
    expect(result.exitCode).toBe(2);
    expect(fake.started).toHaveLength(0);
  });
});
