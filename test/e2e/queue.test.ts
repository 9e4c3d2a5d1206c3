import { afterEach, describe, expect, it } from "vitest";
import { CommandLine } from "../support/command-line.ts";
import { effectStep, questionStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";

const STAGES = stage(
  "go",
  effectStep("before", "before-@run") +
    questionStep("sure") +
    effectStep("after", "after-@run") +
    RELEASE_STEPS,
);

let project: ReleaseProject;
let tminus: CommandLine;
afterEach(async () => {
  await tminus.close();
  await project.close();
});

interface StatusJson {
  environments: { active: { id: string; state: string }[] }[];
}

describe("two deploys to one environment at once", () => {
  it("queue: the second names the holder, can be seen and aborted, and goes on when the holder has ended", async () => {
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
    expect((await third.within(20_000)).exitCode).toBe(6);
    expect(project.effectLines()).toEqual([`did before-${holder}`]);

    expect((await tminus.run("ack", "sure", holder)).exitCode).toBe(0);
    expect((await first.within(20_000)).exitCode).toBe(0);
    await second.until(/waiting: sure/);
    expect((await tminus.run("ack", "sure", queued)).exitCode).toBe(0);
    expect((await second.within(20_000)).exitCode).toBe(0);

    expect(project.effectLines()).toEqual([
      `did before-${holder}`,
      `did after-${holder}`,
      "started v1",
      `did before-${queued}`,
      `did after-${queued}`,
      "started v2",
    ]);
  });
});
