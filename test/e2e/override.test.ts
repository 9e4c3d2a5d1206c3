import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CommandLine } from "../support/command-line.ts";
import { RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";

const ROOM = { timeout: 120_000 };
const FAILS = JSON.stringify(["node", "-e", "console.log('2 tests failed'); process.exit(1)"]);
const FOR = ["--for", "2h", "--reason", "the failing tests are about another page"];

let project: ReleaseProject;
let tminus: CommandLine;

beforeAll(async () => {
  project = await ReleaseProject.create({
    stages: stage("go", RELEASE_STEPS),
    gates: `  - { id: tests, kind: command, with: { run: ${FAILS} } }\n`,
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
    gates: { verdict: string; reason: string; waiver?: { by: string; reason: string; verdict: string } }[];
  };
  override?: { at: string; until: string };
  overrides?: { gate: string }[];
  run?: { outcome: string };
}

describe("a gate that does not pass", ROOM, () => {
  it("is let pass for hours by a person with a reason, never for whom lets it pass, and has to pass again afterwards", async () => {
    expect((await tminus.run("deploy", "--release", "v1", "--yes")).exitCode).toBe(3);
    const unasked = await tminus.json<Printed>("override", "tests", ...FOR, "--by", "ann");
    expect([unasked.exitCode, unasked.value.error?.code]).toEqual([2, "USAGE_INVALID"]);
    for (const [args, message] of [
      [["override", "test", ...FOR, "--yes"], /has no gate test/],
      [["override", "tests", "--for", "9h", "--reason", "x", "--yes"], /cannot be overridden for 9h/],
      [["override", "tests", "--for", "2h", "--yes"], /for how long and why/],
      [["override", "--for", "2h"], /which gate is meant/],
    ] as const) {
      const refused = await tminus.json<Printed>(...args);
      expect([refused.exitCode, refused.value.error?.message]).toEqual([2, expect.stringMatching(message)]);
    }

    const made = await tminus.json<Printed>(
      "override",
      "tests",
      ...FOR,
      "--by",
      "ann",
      "--confirm=production",
    );
    const { at, until } = made.value.override!;
    expect([made.exitCode, Date.parse(until) - Date.parse(at)]).toEqual([0, 2 * 3_600_000]);
    expect((await tminus.run("override")).stdout).toContain("gate tests need not pass in production until");

    const planned = await tminus.json<Printed>("plan", "--release", "v1");
    expect([planned.exitCode, planned.value.plan?.gates]).toMatchObject([
      0,
      [{ verdict: "waived", reason: "exit code 1: 2 tests failed", waiver: { by: "ann", verdict: "fail" } }],
    ]);
    const own = await tminus.json<Printed>("deploy", "--release", "v1", "--yes", "--by", "Ann");
    expect([own.exitCode, own.value.error?.code]).toEqual([2, "APPROVAL_REFUSED"]);
    const deployed = await tminus.json<Printed>("deploy", "--release", "v1", "--yes");
    expect([deployed.exitCode, deployed.value.run?.outcome]).toEqual([0, "succeeded"]);

    expect((await tminus.run("override", "tests", "--end")).stdout).toContain("tests has to pass again");
    expect((await tminus.json<Printed>("override")).value.overrides).toEqual([]);
    expect((await tminus.run("plan", "--release", "v2")).exitCode).toBe(3);
  });
});
