import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sendSignal, type ProcessIdentity } from "../../src/lib/process.ts";
import { CommandLine, type StartedCommand } from "../support/command-line.ts";
import { blockingStep, effectStep, questionStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { eventually } from "../support/processes.ts";
import { ReleaseProject } from "../support/release-project.ts";

/** Many processes on a machine that others use too. */
const ROOM = { timeout: 120_000 };

/** What people tell a run, each through the command line; one project and one worker for all, run after run. */
let project: ReleaseProject;
let worker: ProcessIdentity;
let tminus: CommandLine;
let seen = 0;

beforeAll(async () => {
  project = await ReleaseProject.create({ stages: stage("go", RELEASE_STEPS) });
  worker = await project.startWorker();
  const environment = project.environment({ TMINUS_START_WORKER: "0", TMINUS_ACTOR: "mia" });
  tminus = new CommandLine(project.directory, environment);
  expect(await exitOf("deploy", "--release", "v1")).toBe(0);
  expect(newEffects()).toEqual(["started v1"]);
});
afterAll(async () => {
  await tminus.close();
  await project.close();
});

/** Effects since this was last asked, without the run's id. */
function newEffects(): string[] {
  const lines = project.effectLines();
  return lines.slice(seen, (seen = lines.length)).map((line) => line.replace(/-r\w{13}$/, ""));
}

/** Starts a deploy that is watched, and returns its run's id. */
async function deploy(release: string, ...args: string[]): Promise<{ id: string; follower: StartedCommand }> {
  const follower = tminus.start("deploy", "--release", release, ...args);
  const [, id = ""] = await follower.until(/run (\w+) created/);
  return { id, follower };
}

/** The exit code of a command, and what it printed when it was not 0. */
async function exitOf(...args: string[]): Promise<number | undefined> {
  return (await tminus.run(...args)).exitCode;
}

interface RunJson {
  run: {
    state: string;
    outcome?: string;
    verdict?: { by: string; reason: string };
    waitingFor?: { for: string };
  };
}

async function show(id: string): Promise<RunJson["run"]> {
  return (await tminus.json<RunJson>("show", id)).value.run;
}

async function liveRelease(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${project.port}/`)).text();
}

describe("a run that waits for people", ROOM, () => {
  it("counts an approval only of somebody else, where the environment is protected", async () => {
    project.use({
      protected: true,
      stages: stage(
        "go",
        "      - { id: sign, kind: approve, with: { authors: unknown-allowed } }\n" +
          effectStep("a", "a-@run"),
      ),
    });
    expect(await exitOf("deploy", "--release", "v1")).toBe(2);
    const { id, follower } = await deploy("v1", "--confirm=production");
    expect(await exitOf("wait", id, "--for", "waiting", "--timeout", "20s")).toBe(0);
    expect(await exitOf("status")).toBe(4);
    expect(await exitOf("wait", id, "--for", "succeeded", "--timeout", "50ms")).toBe(4);

    const own = await tminus.run("approve", id);
    expect(own.exitCode).toBe(2);
    expect(own.stderr).toContain("APPROVAL_REFUSED");
    expect(newEffects()).toEqual([]);

    expect(await exitOf("approve", "--by", "tom", "--note", "looks good")).toBe(0);
    expect((await follower.within(40_000)).exitCode).toBe(0);
    expect(follower.stdout).toContain("tom: approve sign: looks good");
    expect(await exitOf("approve", id, "--by", "tom")).toBe(2);
    expect(await exitOf("status")).toBe(0);
    expect(newEffects()).toEqual(["did a"]);
  });

  it("is told that its plan is stale when the runbook was edited and planned again, and approved only as edited", async () => {
    const signed = "      - { id: sign, kind: approve, with: { authors: unknown-allowed } }\n";
    project.use({ protected: true, stages: stage("go", signed + effectStep("a", "a-@run")) });
    const first = await deploy("v1", "--confirm=production");
    await first.follower.until(/waiting: 1 approval/);
    project.use({ protected: true, stages: stage("go", signed + effectStep("b", "b-@run")) });
    const second = await deploy("v1", "--confirm=production");

    const stale = await tminus.run("approve", first.id, "--by", "tom");
    expect(stale.exitCode).toBe(2);
    expect(stale.stderr).toContain(`the plan is stale: run ${second.id} has a newer one of this release`);
    expect(await exitOf("abort", first.id, "--confirm=production")).toBe(0);
    expect((await first.follower.within(40_000)).exitCode).toBe(6);
    await second.follower.until(/waiting: 1 approval/);
    expect(await exitOf("approve", second.id, "--plan", "0000", "--by", "tom")).toBe(2);
    expect(await exitOf("approve", second.id, "--by", "tom")).toBe(0);
    expect((await second.follower.within(40_000)).exitCode).toBe(0);
    expect(newEffects()).toEqual(["did b"]);
  });

  it("undoes what it did when it is rejected", async () => {
    project.use({
      stages: stage(
        "go",
        effectStep("a", "a-@run") + "      - { id: sign, kind: approve }\n" + effectStep("b", "b-@run"),
      ),
    });
    const { id, follower } = await deploy("v1");
    await follower.until(/waiting: 1 approval/);
    expect(await exitOf("reject", "--by", "tom", "--note", "not today")).toBe(0);
    expect((await follower.within(40_000)).exitCode).toBe(5);
    expect(newEffects()).toEqual(["did a", "undid a"]);
    expect(await show(id)).toMatchObject({
      outcome: "rolled-back",
      verdict: { reason: "rejected by tom: not today" },
    });
  });

  it("goes on when every item of a checklist is attested, each by its id", async () => {
    const items = "[{ id: told, text: support knows }, { id: backup, text: it was restored }]";
    project.use({
      stages: stage(
        "go",
        `      - { id: list, kind: checklist, with: { items: ${items} } }\n` + effectStep("a", "a-@run"),
      ),
    });
    const { follower } = await deploy("v1");
    await follower.until(/waiting: told/);
    const wrong = await tminus.run("ack", "backups");
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining("backup")]);
    expect(await exitOf("ack", "told", "--by", "lena", "--note", "by phone")).toBe(0);
    expect(await exitOf("wait", "--for", "succeeded", "--timeout", "50ms")).toBe(4);
    expect(newEffects()).toEqual([]);
    expect(await exitOf("ack", "backup", "--by", "tom")).toBe(0);
    expect((await follower.within(40_000)).exitCode).toBe(0);
    expect(follower.stdout).toContain("attested by lena, tom");
    expect(newEffects()).toEqual(["did a"]);
  });

  it("ends only when its sign-off has every proof, and keeps one document of them", async () => {
    project.use({
      stages: stage(
        "go",
        `      - { id: up, kind: smoke, with: { checks: [{ id: up, path: /health, expect: { status: 200 } }] } }
      - { id: end, kind: sign-off, with: { evidence: [up], attest: [{ id: team, text: all agree, by: lena }], stable: 1s } }
`,
      ),
    });
    const { id, follower } = await deploy("v1");
    await follower.until(/waiting: team: all agree \(lena\)/);
    const other = await tminus.run("ack", "team", "--by", "tom");
    expect([other.exitCode, other.stderr]).toEqual([2, expect.stringContaining("APPROVAL_REFUSED")]);
    expect(await exitOf("ack", "up", "--by", "lena")).toBe(2);
    expect(await exitOf("ack", "team", "--by", "lena", "--note", "by phone")).toBe(0);
    expect((await follower.within(40_000)).exitCode).toBe(0);
    expect(follower.stdout).toContain("proven good: up; attested by lena; stable for 1s");
    const shown = await tminus.json<{
      events: { type: string; data: { evidence?: Record<string, string> } }[];
    }>("show", id, "--step", "end");
    const proofs = shown.value.events.find(({ type }) => type === "step.done")?.data.evidence ?? {};
    const { value } = await tminus.json<{ content: string }>("show", "--evidence", proofs["sign-off.json"]!);
    expect(JSON.parse(value.content)).toMatchObject({
      run: id,
      evidence: [
        {
          step: "up",
          verdict: "good",
          proofs: expect.arrayContaining([{ name: "outcome", sha256: proofs["outcome-up.json"] }]) as unknown,
        },
      ],
      attest: [{ id: "team", by: "lena", note: "by phone", sha256: proofs["attestations.json"] }],
    });
  });

  it("stops before its next step while it is held", async () => {
    project.use({
      stages: stage("go", effectStep("a", "a-@run") + questionStep("sure") + effectStep("b", "b-@run")),
    });
    const { id, follower } = await deploy("v1");
    await follower.until(/waiting: sure/);
    expect(await exitOf("hold", "--by", "tom")).toBe(0);
    expect(await exitOf("ack", "sure")).toBe(0);
    await follower.until(/◆ held/);
    expect((await show(id)).state).toMatch(/held|waiting/);
    expect(await exitOf("status")).toBe(4);
    expect(newEffects()).toEqual(["did a"]);
    expect(await exitOf("resume")).toBe(0);
    expect((await follower.within(40_000)).exitCode).toBe(0);
    expect(newEffects()).toEqual(["did b"]);
  });

  it("is parked when nobody can tell whether a step took effect, and believes the person who looked", async () => {
    project.use({ stages: stage("go", blockingStep("blind") + effectStep("b", "b-@run")) });
    const { id, follower } = await deploy("v1");
    await eventually("the command runs", () => project.effectLines().includes("began blind"));
    sendSignal(worker, "SIGKILL");
    project.letGo("blind");
    worker = await project.startWorker();
    await follower.until(/waiting: it is not known whether blind took effect/);
    expect(await exitOf("resume", id)).toBe(2);
    expect(newEffects()).toEqual(["began blind"]);
    expect(await exitOf("resume", id, "--as", "done", "--by", "tom", "--note", "I looked")).toBe(0);
    expect((await follower.within(40_000)).exitCode).toBe(0);
    expect(newEffects()).toEqual(["did b"]);
  });

  it("asks about a failed step where the runbook says so: again, then failed", async () => {
    const failing = `{ run: [node, -e, "process.exit(4)"], repeatable: true }`;
    project.use({
      stages: stage(
        "go",
        effectStep("a", "a-@run") + `      - { id: bad, kind: command, onFailure: hold, with: ${failing} }\n`,
      ),
    });
    const { follower } = await deploy("v1");
    await follower.until(/waiting: bad failed/);
    expect(await exitOf("resume", "--as", "retry")).toBe(0);
    await follower.until(/bad failed[^]*waiting: bad failed[^]*bad failed[^]*waiting: bad failed/);
    expect(await exitOf("resume", "--as", "failed", "--by", "tom", "--note", "give up")).toBe(0);
    expect((await follower.within(40_000)).exitCode).toBe(5);
    expect(newEffects()).toEqual(["did a", "undid a"]);
  });
});

describe("a run that people stop", ROOM, () => {
  it("undoes what it did and ends as stopped when it is aborted in the middle of a step", async () => {
    project.use({ stages: stage("go", effectStep("a", "a-@run") + blockingStep("long")) });
    const { id, follower } = await deploy("v1");
    await eventually("the command runs", () => project.effectLines().includes("began long"));
    expect(await exitOf("abort", id, "--by", "tom")).toBe(0);
    expect((await follower.within(40_000)).exitCode).toBe(6);
    expect(newEffects()).toEqual(["did a", "began long", "undid a"]);
    expect(await exitOf("abort", id)).toBe(2);
  });

  it("goes on when the terminal that watches it is left with Ctrl-C", async () => {
    project.use({ stages: stage("go", questionStep("sure") + effectStep("a", "a-@run")) });
    const { id, follower } = await deploy("v1");
    await follower.until(/waiting: sure/);
    follower.kill("SIGINT");
    const left = await follower.within(40_000);
    expect(left.exitCode).toBe(130);
    expect(left.stderr).toContain(`Come back with: tminus watch ${id}`);
    expect(await exitOf("ack", "sure")).toBe(0);
    expect(await exitOf("watch", id)).toBe(0);
    expect(newEffects()).toEqual(["did a"]);
  });
});

describe("going back", ROOM, () => {
  it("takes a running release away, and later a release that had succeeded", async () => {
    project.use({ stages: stage("go", RELEASE_STEPS + questionStep("sure")) });
    const { id, follower } = await deploy("v2");
    await follower.until(/waiting: sure/);
    expect(await liveRelease()).toBe("v2");
    expect(await exitOf("rollback", id, "--by", "tom", "--note", "the phones ring")).toBe(0);
    expect((await follower.within(40_000)).exitCode).toBe(5);
    expect(await liveRelease()).toBe("v1");
    expect(await show(id)).toMatchObject({
      outcome: "rolled-back",
      verdict: { by: "tom", reason: "the phones ring" },
    });

    project.use({ stages: stage("go", RELEASE_STEPS) });
    expect(await exitOf("deploy", "--release", "v2")).toBe(0);
    expect(await liveRelease()).toBe("v2");
    expect(await exitOf("rollback", "--to", "v1")).toBe(0);
    expect(await liveRelease()).toBe("v1");
  });
});
