import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CommandLine } from "../support/command-line.ts";
import { RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { eventually } from "../support/processes.ts";
import { ReleaseProject } from "../support/release-project.ts";

const ROOM = { timeout: 180_000 };
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0xff]);
const LIST = `      - id: list
        kind: checklist
        with:
          items:
            - { id: told, text: Support knows, owner: ann, evidence: note, due: T-0 }
            - { id: load, text: The load test passed, evidence: attachment }
            - { id: looked, text: No new errors, owner: ann, evidence: attachment, due: T+10ms }
            - { id: figures, text: The figures agree, owner: bob, due: T+7d }
            - { id: cake, text: There is cake, required: false }
`;

interface Printed {
  error?: { code: string; message: string };
  tasks?: { name: string; owner?: string; text: string; dueAt: string; origin: string; overdue: boolean }[];
  environments?: { overdueItems: { item: string; owner?: string }[]; overdueTasks: { name: string }[] }[];
  run?: { zeroAt: string };
  mediaType?: string;
  verdict?: string;
  secret?: string;
}

let project: ReleaseProject;
let tminus: CommandLine;
const commands: CommandLine[] = [];

function commandLine(extra: Record<string, string>): CommandLine {
  const command = new CommandLine(
    project.directory,
    project.environment({ TMINUS_START_WORKER: "0", ...extra }),
  );
  commands.push(command);
  return command;
}

async function refused(by: CommandLine, ...args: string[]): Promise<string> {
  const { exitCode, value } = await by.json<Printed>(...args);
  expect(exitCode, JSON.stringify(value)).toBe(2);
  return `${value.error?.code}: ${value.error?.message}`;
}

beforeAll(async () => {
  project = await ReleaseProject.create({ stages: stage("before", LIST) + stage("go", RELEASE_STEPS) });
  await project.startWorker();
  tminus = commandLine({ TMINUS_ACTOR: "mia" });
  writeFileSync(join(project.directory, "load.png"), PNG);
}, 120_000);
afterAll(async () => {
  for (const command of commands) await command.close();
  await project.close();
});

describe("a checklist", ROOM, () => {
  it("asks for notes and files, says what is overdue and reminds of it, and leaves the rest as tasks", async () => {
    expect((await tminus.run("deploy", "--release", "v1", "--detach")).exitCode).toBe(0);
    expect((await tminus.run("wait", "--for", "waiting", "--timeout", "40s")).exitCode).toBe(0);
    const waiting = await tminus.run("status");
    expect(waiting.exitCode).toBe(4);
    expect(waiting.stdout).toMatch(/OVERDUE since \S+: told \(ann\)/);
    await eventually("ann is reminded of the item", () =>
      project.deliveries.some((key) => key.includes("page/due-told-0")),
    );

    expect(await refused(tminus, "ack", "told")).toBe("USAGE_INVALID: told asks for a note");
    expect(await refused(tminus, "ack", "load", "--note", "all green")).toBe(
      "USAGE_INVALID: load asks for a file",
    );
    expect(await refused(tminus, "ack", "load", "--attach", "no.png")).toContain("no.png could not be read");
    const large = join(project.directory, "large.bin");
    writeFileSync(large, Buffer.alloc(10 * 1024 * 1024 + 1));
    expect(await refused(tminus, "ack", "load", "--attach", large)).toContain("at most 10 MiB");

    expect((await tminus.run("ack", "told", "--note", "wrote to them")).exitCode).toBe(0);
    const settled = await tminus.json<Printed>("status");
    expect(settled.value.environments?.[0]?.overdueItems).toEqual([]);
    expect((await tminus.run("ack", "load", "--attach", "load.png")).exitCode).toBe(0);
    expect((await tminus.run("wait", "--for", "succeeded", "--timeout", "60s")).exitCode).toBe(0);

    const { value, exitCode } = await tminus.json<Printed>("tasks");
    expect(exitCode).toBe(4);
    const zeroAt = Date.parse((await tminus.json<Printed>("show")).value.run!.zeroAt);
    expect(
      value.tasks?.map(({ owner, origin, dueAt, overdue }) => [
        origin,
        owner,
        Date.parse(dueAt) - zeroAt,
        overdue,
      ]),
    ).toEqual([
      ["checklist list/looked", "ann", 10, true],
      ["checklist list/cake", undefined, 24 * 3_600_000, false],
      ["checklist list/figures", "bob", 7 * 24 * 3_600_000, false],
    ]);
    expect((await tminus.run("status")).stdout).toMatch(/OVERDUE tasks: t\d+ \(ann\)/);
    const [late] = value.tasks!;
    await eventually("ann is reminded of the task", () =>
      project.deliveries.some((key) => key.includes(`${late!.name}/reminder/first`)),
    );
  });

  it("keeps the file: it is written to the byte, never printed, and part of what is verified", async () => {
    const shown = await tminus.run("show");
    const [, hash = ""] = /load\.png, evidence (\w{64})/.exec(shown.stdout.replaceAll(/\s+/g, " ")) ?? [];
    const printed = await tminus.run("show", "--evidence", hash);
    expect([printed.exitCode, printed.stdout]).toEqual([2, ""]);
    expect(printed.stderr).toContain(`tminus show --evidence ${hash} -o <file>`);
    expect((await tminus.json<Printed>("show", "--evidence", hash)).value.mediaType).toBe("image/png");
    const copy = join(project.directory, "copy.png");
    expect((await tminus.run("show", "--evidence", hash, "-o", "copy.png")).exitCode).toBe(0);
    expect(readFileSync(copy)).toEqual(PNG);
    expect(await refused(tminus, "show", "--evidence", hash, "-o", "copy.png")).toContain("is there already");
    expect((await tminus.run("show", "--evidence", hash, "-o", "copy.png", "--force")).exitCode).toBe(0);

    expect((await tminus.run("audit", "export", "-o", "audit.jsonl")).exitCode).toBe(0);
    const exported = readFileSync(join(project.directory, "audit.jsonl"), "utf8");
    expect(exported).toContain(`"content":"${PNG.toString("base64")}","encoding":"base64"`);
    const verify = async (): Promise<string | undefined> =>
      (await tminus.json<Printed>("audit", "verify", "--file", "audit.jsonl")).value.verdict;
    expect(await verify()).toBe("sound");
    const other = Buffer.from(PNG).fill(1).toString("base64");
    writeFileSync(join(project.directory, "audit.jsonl"), exported.replace(PNG.toString("base64"), other));
    expect(await verify()).toBe("broken");
  });

  it("lets a task be closed by its owner alone as soon as there are users, with the file that it asks for", async () => {
    const add = async (by: CommandLine, name: string): Promise<CommandLine> => {
      const { value } = await by.json<Printed>("user", "add", name, "--role", "operator", "--token");
      return commandLine({ TMINUS_TOKEN: value.secret! });
    };
    const ann = await add(tminus, "ann");
    const bob = await add(ann, "bob");
    const [late] = (await tminus.json<Printed>("tasks")).value.tasks!;
    const name = late!.name;
    const done = ["tasks", name, "--note", "none seen"];
    expect(await refused(tminus, ...done)).toContain("IDENTITY_REFUSED");
    expect(await refused(bob, ...done)).toBe(
      `APPROVAL_REFUSED: task ${name} is for ann to attest, not for bob`,
    );
    expect(await refused(ann, ...done)).toBe(`USAGE_INVALID: task ${name} asks for a file`);
    expect((await ann.run(...done, "--attach", "load.png")).exitCode).toBe(0);
    expect((await tminus.json<Printed>("tasks")).value.tasks?.map(({ owner }) => owner)).toEqual([
      undefined,
      "bob",
    ]);
    expect((await tminus.json<Printed>("audit", "verify")).value.verdict).toBe("sound");
  });
});
