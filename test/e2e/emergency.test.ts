import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CommandLine } from "../support/command-line.ts";
import { questionStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";

const ROOM = { timeout: 180_000 };
const command = (id: string, code: number): string =>
  `  - { id: ${id}, kind: command, with: { run: ["node", "-e", "process.exit(${code})"] } }\n`;
const WATCH = `      - id: watch-all
        kind: watch
        with:
          duration: 1s
          every: 500ms
          probes: [{ name: home, path: / }]
          rules: ["up: when probe(home) fails for 3 of 3 -> rollback"]
`;

let project: ReleaseProject;
let tminus: CommandLine;

beforeAll(async () => {
  project = await ReleaseProject.create({
    stages: stage("go", questionStep("told") + RELEASE_STEPS + WATCH),
    gates: command("critical", 0) + command("unit", 1),
    windows: "[{ id: never, effect: deny, zone: UTC }]",
    emergency: "{ keep: [critical], watch: 3s }",
    protected: true,
  });
  await project.startWorker();
  const environment = project.environment({ TMINUS_START_WORKER: "0", TMINUS_ACTOR: "mia" });
  tminus = new CommandLine(project.directory, environment);
}, 120_000);
afterAll(async () => {
  await tminus.close();
  await project.close();
});

interface Printed {
  error?: { code: string; message: string };
  plan?: {
    gates: { id: string; verdict: string }[];
    stages: { steps: { id: string; with: { duration?: string } }[] }[];
    emergency?: { by: string; leftOut: string[] };
  };
  run?: { id: string; outcome: string };
  emergencies?: unknown[];
}

const DEPLOY = ["deploy", "--release", "v1", "--yes"];
const IN_EMERGENCY = [...DEPLOY, "--emergency"];
const FOR = ["--for", "2h", "--reason", "checkout is down"];

async function refusal(...args: string[]): Promise<[number | undefined, string | undefined]> {
  const { exitCode, value } = await tminus.json<Printed>(...args);
  return [exitCode, value.error?.code];
}

describe("an emergency", ROOM, () => {
  it("lets a deploy begin outside of the windows, past those that wait for one, with less asked and a longer watch, by two persons", async () => {
    expect(await refusal(...DEPLOY)).toEqual([3, "PLAN_BLOCKED"]);
    expect(await refusal(...IN_EMERGENCY)).toEqual([2, "USAGE_INVALID"]);
    expect(await refusal("emergency", ...FOR, "--by", "ann")).toEqual([2, "USAGE_INVALID"]); // not confirmed
    expect(await refusal("emergency", "--for", "9h", "--reason", "x", "--yes")).toEqual([2, "USAGE_INVALID"]);
    expect(await refusal("emergency", "--for", "2h", "--yes")).toEqual([2, "USAGE_INVALID"]);

    // Somebody's deploy waits for the window, with its place in the queue.
    const waived = ["override", "unit", "--for", "1h", "--reason", "x", "--by", "tom", "--yes"];
    expect((await tminus.run(...waived)).exitCode).toBe(0);
    const waiting = await tminus.json<Printed>(...DEPLOY, "--wait-for-window", "--detach");
    expect(waiting.exitCode).toBe(0);
    expect((await tminus.run("override", "unit", "--end")).exitCode).toBe(0);

    const declared = await tminus.run("emergency", ...FOR, "--by", "ann", "--yes");
    expect(declared.stdout).toContain("emergency e1: production may be deployed to at any time until");
    const { value: planned } = await tminus.json<Printed>("plan", "--release", "v1", "--emergency");
    expect(planned.plan).toMatchObject({
      gates: [
        { id: "critical", verdict: "pass" },
        { id: "unit", verdict: "waived" },
      ],
      emergency: { by: "ann", leftOut: ["unit", "told"] },
    });
    const steps = planned.plan!.stages.flatMap((one) => one.steps);
    expect(steps.find(({ id }) => id === "watch-all")?.with.duration).toBe("3s");
    expect(await refusal(...IN_EMERGENCY, "--by", "Ann")).toEqual([2, "APPROVAL_REFUSED"]);
    expect(await refusal(...DEPLOY)).toEqual([3, "PLAN_BLOCKED"]);

    const deployed = await tminus.json<Printed>(...IN_EMERGENCY);
    expect([deployed.exitCode, deployed.value.run?.outcome]).toEqual([0, "succeeded"]);
    const shown = await tminus.run("show", deployed.value.run!.id);
    expect(shown.stdout).toMatch(/emergency e1 until .*, declared by ann: checkout is down/);
    expect(shown.stdout).toContain("left out: unit, told");

    expect((await tminus.run("emergency", "--end")).stdout).toContain("is over");
    expect((await tminus.json<Printed>("emergency")).value.emergencies).toEqual([]);
    expect(await refusal(...IN_EMERGENCY)).toEqual([2, "USAGE_INVALID"]);
    const opened = await project.query(
      "select owner, text, due_at > opened_at + interval '23 hours' as later from tminus.follow_up",
      project.stateUrl,
    );
    expect(opened).toEqual([
      {
        owner: "ann",
        text: "after emergency e1 (release v1): make good what was left out (unit, told); bring the branch back where it is missing: tminus merge-back",
        later: true,
      },
    ]);
    expect((await tminus.run("tasks")).stdout).toMatch(/^t1 production · due .* · ann: after emergency e1/);
    expect(await refusal("tasks", "t2", "--note", "x")).toEqual([2, "USAGE_INVALID"]);
    const closed = await tminus.run("tasks", "t1", "--note", "the tests ran", "--by", "ann");
    expect(closed.stdout).toContain("t1 is closed by ann");
    expect((await tminus.run("tasks")).stdout).toContain("nothing is to be done");
    const entries = await project.query(
      "select type, actor from tminus.audit_entry where subject = 'e1' order by sequence",
      project.stateUrl,
    );
    expect(entries).toEqual([
      { type: "emergency.declared", actor: "ann" },
      { type: "emergency.ended", actor: "mia" },
    ]);
    expect((await tminus.run("abort", waiting.value.run!.id, "--yes")).exitCode).toBe(0);
  });
});
