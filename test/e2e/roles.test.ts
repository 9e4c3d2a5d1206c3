import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CommandLine } from "../support/command-line.ts";
import { questionStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";

const ROOM = { timeout: 400_000 };
const FAILS = JSON.stringify(["node", "-e", "process.exit(1)"]);
const FOR = ["--for", "1h", "--reason", "known", "--yes"];

interface Printed {
  secret?: string;
  error?: { code: string; message: string };
  override?: { by: string; identity?: { checked: { by: string } } };
}

let project: ReleaseProject;
const commands: CommandLine[] = [];

function as(identity: Record<string, string>): CommandLine {
  const environment = project.environment({ TMINUS_START_WORKER: "0", ...identity });
  const command = new CommandLine(project.directory, environment);
  commands.push(command);
  return command;
}

async function answer(by: CommandLine, ...args: string[]): Promise<string> {
  const { exitCode, value } = await by.json<Printed>(...args);
  return exitCode === 0 ? "done" : `${value.error?.code}: ${value.error?.message}`;
}

beforeAll(async () => {
  project = await ReleaseProject.create({
    protected: true,
    gates: `  - { id: tests, kind: command, with: { run: ${FAILS} } }\n`,
    stages: stage("go", questionStep("told") + RELEASE_STEPS),
  });
  await project.startWorker();
}, 120_000);
afterAll(async () => {
  for (const command of commands) await command.close();
  await project.close();
});

describe("roles on a protected environment", ROOM, () => {
  it("hold for every command, for whoever has signed in and for a name that nobody has checked", async () => {
    const anybody = as({ TMINUS_ACTOR: "tom" });
    const add = async (by: CommandLine, name: string, role: string): Promise<CommandLine> => {
      const { value, exitCode } = await by.json<Printed>("user", "add", name, "--role", role, "--token");
      expect(exitCode, JSON.stringify(value)).toBe(0);
      return as({ TMINUS_TOKEN: value.secret! });
    };
    const admin = await add(anybody, "ada", "admin");
    const viewer = await add(admin, "vic", "viewer");
    const operator = await add(admin, "olga", "operator");
    const approver = await add(admin, "abe", "approver");

    const isViewer = "PERMISSION_REFUSED: production is protected, and vic is not an";
    const isUnknown = "IDENTITY_REFUSED: production is protected, and nobody has checked who tom is";
    expect(await answer(anybody, "override", "tests", ...FOR)).toBe(isUnknown);
    expect(await answer(operator, "override", "tests", ...FOR)).toContain("olga is not an approver");
    const made = await approver.json<Printed>("override", "tests", ...FOR);
    expect(made.value.override).toMatchObject({ by: "abe", identity: { checked: { by: "token" } } });
    expect((await anybody.run("override")).stdout).toMatch(/abe \(token \w+\)/);

    const deploy = ["deploy", "--release", "v1", "--yes", "--detach"];
    expect(await answer(anybody, ...deploy)).toBe(isUnknown);
    expect(await answer(viewer, ...deploy)).toBe(`${isViewer} operator`);
    expect(await answer(admin, ...deploy)).toContain("ada is not an operator");
    expect(await answer(operator, ...deploy)).toBe("done");
    expect((await operator.run("wait", "--for", "waiting", "--timeout", "40s")).exitCode).toBe(0);

    for (const args of [["ack", "told"], ["hold"], ["resume"]]) {
      expect(await answer(viewer, ...args), args[0]).toBe(`${isViewer} operator`);
      expect(await answer(anybody, ...args), args[0]).toBe(isUnknown);
    }
    expect(await answer(viewer, "abort", "--yes")).toBe(`${isViewer} operator or an approver or an admin`);
    expect(await answer(viewer, "db", "readonly", "on", "--yes")).toContain(isViewer);
    expect(await answer(anybody, "db", "readonly", "off", "--yes")).toBe(isUnknown);
    expect(await answer(operator, "db", "readonly", "off", "--yes")).toBe("done");
    // Whoever has lost their token can keep deploys out, and not let them in again.
    expect(await answer(viewer, "freeze", "--until", "1h", "--reason", "look")).toContain(isViewer);
    expect(await answer(anybody, "freeze", "--until", "1h", "--reason", "look")).toBe("done");
    expect(await answer(anybody, "thaw", "--reason", "seen", "--yes")).toBe(isUnknown);
    expect(await answer(approver, "thaw", "--reason", "seen", "--yes")).toContain("abe is not an operator");
    expect(await answer(operator, "thaw", "--reason", "seen", "--yes")).toBe("done");

    expect(await answer(operator, "ack", "told", "--note", "wrote to them")).toBe("done");
    expect((await anybody.run("wait", "--for", "succeeded", "--timeout", "60s")).exitCode).toBe(0);
    expect(await answer(operator, ...deploy)).toBe("done");
    expect((await operator.run("wait", "--for", "waiting", "--timeout", "40s")).exitCode).toBe(0);
    // Whoever has lost their token can still stop it.
    expect(await answer(anybody, "abort", "--yes")).toBe("done");
  });
});
