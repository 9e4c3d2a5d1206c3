import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CommandLine } from "../support/command-line.ts";
import { effectStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";

/** Many processes on a machine that others use too. */
const ROOM = { timeout: 180_000 };

let project: ReleaseProject;
let commands: CommandLine[] = [];

/** The command line of somebody with this token, or of somebody unknown. */
function as(token: string): CommandLine {
  const identity = token === "" ? { TMINUS_ACTOR: "tom" } : { TMINUS_TOKEN: token };
  const environment = project.environment({ TMINUS_START_WORKER: "0", ...identity });
  const command = new CommandLine(project.directory, environment);
  commands.push(command);
  return command;
}

function git(author: string, ...args: string[]): void {
  const who = ["-c", `user.name=${author}`, "-c", `user.email=${author}@example.com`];
  execFileSync("git", [...who, ...args], { cwd: project.directory, stdio: "pipe" });
}

beforeAll(async () => {
  const sign = "      - { id: sign, kind: approve }\n";
  project = await ReleaseProject.create({
    protected: true,
    stages: stage("go", sign + RELEASE_STEPS + effectStep("a", "a-@run")),
  });
  git("kim", "init", "-q");
  git("kim", "add", "tminus.yaml");
  git("kim", "commit", "-qm", "runbook");
  git("eve", "commit", "-q", "--allow-empty", "-m", "application");
  git("kim", "tag", "v1");
  await project.startWorker();
}, 120_000);
afterAll(async () => {
  for (const command of commands) await command.close();
  commands = [];
  await project.close();
});

describe("a release whose approvers have to sign in", ROOM, () => {
  it("is approved by nobody who started, wrote or edited it, and by a program only where that counts", async () => {
    const add = async (by: string, name: string, ...options: string[]): Promise<string> => {
      const argv = ["user", "add", name, "--email", `${name}@example.com`, "--role", "approver", "--token"];
      const { exitCode, value, stderr } = await as(by).json<{ secret: string }>(...argv, ...options);
      expect(exitCode, stderr).toBe(0);
      return value.secret;
    };
    const ann = await add("", "ann", "--role", "operator");
    expect((await as("").run("user", "add", "mallory", "--token")).stderr).toContain("PERMISSION_REFUSED");
    const [bob, eve, kim] = [await add(ann, "bob"), await add(ann, "eve"), await add(ann, "kim")];
    const made = ["token", "create", "bot", "--agent", "--role", "approver"];
    const { value: bot } = await as(bob).json<{ secret: string }>(...made);

    const deploy = ["deploy", "--release", "v1", "--confirm=production", "--detach"];
    const unknown = await as("").run(...deploy);
    expect([unknown.exitCode, unknown.stderr]).toEqual([2, expect.stringContaining("IDENTITY_REFUSED")]);
    const started = await as(ann).run(...deploy);
    expect(started.exitCode, started.stderr).toBe(0);
    expect(started.stdout).toContain("may approve: anybody with the role approver who has signed in");
    expect(started.stdout).toContain("eve <eve@example.com>");
    expect((await as(ann).run("wait", "--for", "waiting", "--timeout", "40s")).exitCode).toBe(0);

    const refused: [string, string][] = [
      [ann, "they started the run"],
      [eve, "they wrote commits of this release"],
      [kim, "they wrote commits of this release"],
      [bot.secret, "they are an agent"],
      ["", "nobody has checked who tom is"],
      ["tminus_00000000_0000000000000000000000000000000000000000", "IDENTITY_REFUSED"],
    ];
    for (const [token, reason] of refused) {
      const { exitCode, stderr } = await as(token).run("approve");
      expect([exitCode, stderr.replaceAll(/\s+/g, " ")]).toEqual([2, expect.stringContaining(reason)]);
    }
    expect(project.effectLines()).toEqual([]);

    const approved = await as(bob).run("approve", "--note", "read it");
    expect(approved.stdout).toMatch(/as bob \(token \w{8}\)/);
    expect((await as("").run("wait", "--for", "succeeded", "--timeout", "60s")).exitCode).toBe(0);
    const shown = await as("").json<Shown>("show", "--step", "sign");
    const proofs = shown.value.events.find(({ type }) => type === "step.done")?.data.evidence ?? {};
    const { value } = await as("").json<{ content: string }>("show", "--evidence", proofs.approvals!);
    expect(JSON.parse(value.content)).toMatchObject({
      approvals: [{ by: "bob", note: "read it" }],
      startedBy: { name: "ann", kind: "human" },
      given: [
        {
          by: { name: "bob" },
          saw: { summary: expect.arrayContaining(["sign: waits for 1 approval of this plan"]) as unknown },
        },
      ],
    });
    const printed = commands.map((command) => command.printed()).join("\n");
    const events = await project.query<{ text: string }>(
      "select e::text as text from tminus.event e",
      project.stateUrl,
    );
    for (const secret of [ann, bob, eve, kim, bot.secret]) {
      expect(JSON.stringify(events)).not.toContain(secret);
      expect(printed.split(secret)).toHaveLength(2); // once, when it was made
    }
  });
});

interface Shown {
  events: { type: string; data: { evidence?: Record<string, string> } }[];
}
