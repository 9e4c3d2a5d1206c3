import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CommandLine } from "../support/command-line.ts";
import { RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";

/** Many processes on a machine that others use too. */
const ROOM = { timeout: 120_000 };

const FAIL =
  '      - { id: check, kind: command, with: { run: [node, -e, "process.exit(1)"], repeatable: true } }\n';

let project: ReleaseProject;
let tminus: CommandLine;

beforeAll(async () => {
  project = await ReleaseProject.create({ stages: stage("go", RELEASE_STEPS) });
  await project.startWorker();
  const environment = project.environment({ TMINUS_START_WORKER: "0", TMINUS_ACTOR: "mia" });
  tminus = new CommandLine(project.directory, environment);
  expect((await tminus.run("deploy", "--release", "v1")).exitCode).toBe(0);
}, 120_000);
afterAll(async () => {
  await tminus.close();
  await project.close();
});

interface Printed {
  error?: { code: string; hint: string; details: { run?: string } };
  plan?: { blocked: { where: string; reason: string; fix?: string }[] };
  environments?: { lock?: { runId: string; reason: string } }[];
  run?: { id: string; outcome: string };
}

describe("a release that is rolled back by itself", ROOM, () => {
  it("locks its environment for deploys, not for going back, until a named person unlocks it", async () => {
    expect((await tminus.run("plan", "--release", "v2", "-o", "v2.json")).exitCode).toBe(0);
    project.use({ protected: true, stages: stage("go", RELEASE_STEPS + FAIL) });
    const failed = await tminus.run("deploy", "--release", "v2", "--yes");
    expect(failed.exitCode, failed.stdout).toBe(5);
    expect(failed.stdout).toContain("production is locked");
    project.use({ protected: true, stages: stage("go", RELEASE_STEPS) });

    const planned = await tminus.json<Printed>("plan", "--release", "v2");
    expect(planned.exitCode).toBe(3);
    expect(planned.value.plan?.blocked).toMatchObject([
      {
        where: "environment",
        reason: expect.stringContaining("rolled v2 back by itself") as unknown,
        fix: expect.stringContaining("tminus unlock production --reason") as unknown,
      },
    ]);
    expect((await tminus.json<Printed>("deploy", "--release", "v2", "--yes")).value.error).toMatchObject({
      code: "PLAN_BLOCKED",
      hint: expect.stringContaining("tminus unlock production --reason") as unknown,
    });
    const stored = await tminus.json<Printed>("deploy", "--plan", "v2.json", "--yes");
    expect([stored.exitCode, stored.value.error?.code]).toEqual([3, "ENVIRONMENT_LOCKED"]);
    const status = await tminus.json<Printed>("status");
    const lock = status.value.environments?.[0]?.lock;
    expect(stored.value.error?.details.run).toBe(lock?.runId);
    expect((await tminus.run("status")).stdout).toContain("LOCKED");

    const back = await tminus.run("rollback", "--to", "v2", "--yes");
    expect(back.exitCode, back.stderr + project.workerLog()).toBe(0);

    expect((await tminus.run("unlock", "production", "--reason", "fixed")).exitCode).toBe(2);
    const unlocked = await tminus.run(
      "unlock",
      "production",
      "--reason",
      "the check was wrong",
      "--by",
      "ann",
      "--confirm=production",
    );
    expect([unlocked.exitCode, unlocked.stdout]).toEqual([0, expect.stringContaining("unlocked by ann")]);
    const shown = await tminus.run("show", lock!.runId);
    expect(shown.stdout.replaceAll(/\s+/g, " ")).toContain("unlocked by ann: the check was wrong");
    expect((await tminus.run("plan", "--release", "v1")).exitCode).toBe(0);
    expect((await tminus.run("deploy", "--release", "v1", "--yes")).exitCode).toBe(0);
  });
});
