import { afterEach, describe, expect, it } from "vitest";
import { CommandLine } from "../support/command-line.ts";
import { effectStep, questionStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";

/** Many processes on a machine that others use too. */
const ROOM = { timeout: 120_000 };

const STEPS = effectStep("before", "before-@run") + questionStep("sure") + effectStep("after", "after-@run");
const STAGES = stage("go", STEPS + RELEASE_STEPS);

let project: ReleaseProject;
let tminus: CommandLine;
afterEach(async () => {
  await tminus.close();
  await project.close();
});

interface StatusJson {
  environments: { active: { id: string; state: string }[] }[];
}

describe("two deploys to one environment at once", ROOM, () => {
  it("queue: the second names the holder, can be seen and aborted, and is planned again when the holder has changed the world", async () => {
    project = await ReleaseProject.create({ stages: STAGES });
    tminus = new CommandLine(project.directory, project.environment({ TMINUS_START_WORKER: "0" }));
    await project.startWorker();

    const first = tminus.start("deploy", "--release", "v1", "--by", "mia");
    const [, holder = ""] = await first.until(/run (\w+) created/);
    const [, holderPlan = ""] = await first.until(/plan ([0-9a-f]{8})/);
    await first.until(/waiting: sure/);

    const second = tminus.start("deploy", "--release", "v2", "--by", "tom");
    const [, queued = ""] = await second.until(/run (\w+) created/);
    const [sentence] = await second.until(/queued behind run .*/);
    expect(sentence).toMatch(
      new RegExp(
        `^queued behind run ${holder} \\(release v1, plan ${holderPlan}, started by mia, [\\d.]+ m?s old when this run came\\)`,
      ),
    );

    const third = tminus.start("deploy", "--release", "v2", "--by", "eve");
    const [, unwanted = ""] = await third.until(/run (\w+) created/);
    await third.until(/queued behind run/);

    const shown = await tminus.json<StatusJson>("status");
    expect(shown.value.environments[0]?.active.map(({ id, state }) => [id, state])).toEqual([
      [holder, "waiting"],
      [queued, "queued"],
      [unwanted, "queued"],
    ]);
    expect(shown.exitCode).toBe(4);
    const { stdout } = await tminus.run("status");
    expect(stdout).toMatch(new RegExp(`WAITING run ${holder} `));
    expect(stdout).toMatch(new RegExp(`QUEUED run ${queued} `));

    const refused = await tminus.run("deploy", "--release", "v2", "--no-wait");
    expect(refused.exitCode).toBe(7);
    expect(refused.stderr).toContain(`held by run ${holder} (release v1, plan ${holderPlan}, started by mia`);

    expect((await tminus.run("abort", unwanted, "--by", "eve")).exitCode).toBe(0);
    expect((await third.within(40_000)).exitCode).toBe(6);
    expect(project.effectLines()).toEqual([`did before-${holder}`]);

    expect((await tminus.run("ack", "sure", holder)).exitCode).toBe(0);
    expect((await first.within(40_000)).exitCode).toBe(0);
    // The holder changed what is live, so the plan that was made before is not carried out any more.
    await second.until(/planning again/);
    const [, again = ""] = await second.until(/run \w+ created[^]*run (\w+) created/);
    expect(
      (await tminus.json<{ run: { verdict: unknown } }>("show", queued)).value.run.verdict,
    ).toMatchObject({
      code: "PLAN_STALE",
      reason: expect.stringContaining("live traffic (was nothing, is v1 100 %)"),
    });
    await second.until(/waiting: sure/);
    expect((await tminus.run("ack", "sure", again)).exitCode).toBe(0);
    expect((await second.within(40_000)).exitCode).toBe(0);

    expect(project.effectLines()).toEqual([
      `did before-${holder}`,
      `did after-${holder}`,
      "started v1",
      `did before-${again}`,
      `did after-${again}`,
      "started v2",
    ]);
  });

  it("go on as planned, one after the other, when the first changes nothing that the second was planned from", async () => {
    project = await ReleaseProject.create({ stages: stage("go", STEPS) });
    tminus = new CommandLine(project.directory, project.environment({ TMINUS_START_WORKER: "0" }));
    await project.startWorker();
    const first = tminus.start("deploy", "--release", "v1");
    const [, holder = ""] = await first.until(/run (\w+) created/);
    await first.until(/waiting: sure/);
    const second = tminus.start("deploy", "--release", "v2");
    const [, queued = ""] = await second.until(/run (\w+) created/);
    await second.until(/queued behind run/);

    expect((await tminus.run("ack", "sure", holder)).exitCode).toBe(0);
    expect((await first.within(40_000)).exitCode).toBe(0);
    await second.until(/waiting: sure/);
    expect((await tminus.run("ack", "sure", queued)).exitCode).toBe(0);
    expect((await second.within(40_000)).exitCode).toBe(0);
    expect(project.effectLines()).toEqual(
      [holder, queued].flatMap((id) => [`did before-${id}`, `did after-${id}`]),
    );
  });

  it("say what they wait behind, until when, and how that is cancelled, before and when they are started", async () => {
    project = await ReleaseProject.create({
      stages: stage(
        "go",
        effectStep("first").replace("kind: command", "kind: command, at: T-10s") + RELEASE_STEPS,
      ),
    });
    tminus = new CommandLine(project.directory, project.environment({ TMINUS_START_WORKER: "0" }));
    await project.startWorker();
    expect((await tminus.run("plan", "--release", "v1")).stdout).not.toContain("waits behind");
    const scheduled = await tminus.json<{ run: { id: string } }>(
      "deploy",
      "--release",
      "v1",
      "--at",
      "6h",
      "--by",
      "mia",
      "--detach",
    );
    const { id } = scheduled.value.run;
    const told = new RegExp(
      `waits behind run ${id} \\(release v1, started by mia; it waits until \\S+Z: first starts at T-10s\\); look at it: tminus watch ${id}; cancel it: tminus abort ${id}`,
    );
    const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ");
    await expect
      .poll(async () => oneLine((await tminus.run("plan", "--release", "v2")).stdout), { timeout: 40_000 })
      .toMatch(told);
    const later = await tminus.run("deploy", "--release", "v2", "--by", "tom", "--detach");
    expect([later.exitCode, oneLine(later.stdout)]).toEqual([0, expect.stringMatching(told)]);
    expect((await tminus.run("abort", id, "--by", "tom")).exitCode).toBe(0);
    const [, queued = ""] = /run (\w+) started by/.exec(later.stdout) ?? [];
    expect((await tminus.run("wait", queued, "--for", "succeeded", "--timeout", "40s")).exitCode).toBe(0);
  });
});
