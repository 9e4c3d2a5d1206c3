import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { command } from "../../src/steps/command.ts";
import { createFakeStepWorld, type FakeStepWorldOptions } from "../../src/testing/fake-step-context.ts";
import { driveKilled } from "../../src/testing/kill-harness.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tminus-command-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const LOG = "effects";

/** A command that appends a line, one that removes the file, one that looks for it. */
function stepCase(settings: JsonObject, observedAfterAct: StepCase["observedAfterAct"] = "done"): StepCase {
  return {
    kind: command,
    with: settings,
    observedAfterAct,
    open: () => {
      const folder = mkdtempSync(join(directory, "case-"));
      const world = createFakeStepWorld({ projectDirectory: folder });
      const file = join(folder, LOG);
      return {
        world,
        effects: () => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").length : 0),
      };
    },
  };
}

const append = ["sh", "-c", `echo "$TMINUS_KEY" >> ${LOG}`];
const looked = ["sh", "-c", `test -s ${LOG} || exit 3`];
const removed = ["rm", "-f", LOG];

async function start(settings: JsonObject, options: FakeStepWorldOptions = {}) {
  const world = createFakeStepWorld({ projectDirectory: directory, clock: systemClock, ...options });
  const parsed = command.schema.parse(settings);
  const facts = await command.gather!(world.planContext(parsed));
  const forecast = command.plan(world.planInput(parsed, facts));
  return { world, forecast, facts, parsed, ...world.open(parsed, facts) };
}

describe("the contract", () => {
  it("is kept by a command with check and undo", async () => {
    await driveStep(stepCase({ run: append, check: looked, undo: removed }));
  });

  it("is kept when act or undo is interrupted anywhere", async () => {
    const report = await driveInterrupted(stepCase({ run: append, check: looked, undo: removed }));
    expect(report).toMatchObject({ act: 2, undo: 2, parked: 0 });
  });

  it("parks after an interruption when nobody can tell whether it ran", async () => {
    const report = await driveInterrupted(stepCase({ run: append }, "unknown"));
    expect(report).toMatchObject({ act: 2, parked: 2 });
  });

  it("runs again after an interruption when that does no harm", async () => {
    await driveInterrupted(stepCase({ run: ["sh", "-c", `echo once > ${LOG}`], repeatable: true }, "absent"));
  });
});

describe("killed with SIGKILL at its crash points", () => {
  const module = (name: string): string =>
    fileURLToPath(new URL(`../fixtures/step-cases/${name}.ts`, import.meta.url));
  const points = ["command.before-spawn", "command.after-exit"] as const;

  it("takes effect exactly once when the effect can be looked up", async () => {
    const report = await driveKilled({ module: module("killed-command"), directory, points });
    expect(report.outcome).toBe("done");
    expect(report.kills).toEqual(["command.before-spawn step", "command.after-exit step"]);
    expect(readFileSync(join(directory, "effects"), "utf8")).toBe("key-of-run-and-step\n");
  });

  it("asks a person, and never repeats it, when the effect cannot be looked up", async () => {
    const report = await driveKilled({
      module: module("killed-command-unchecked"),
      directory,
      points: points.slice(0, 1),
    });
    expect(report).toMatchObject({ outcome: "parked", kills: ["command.before-spawn step"] });
    expect(existsSync(join(directory, "effects"))).toBe(false);
  });
});

it("gives the command a small environment: the step's own names, what was given by reference, and nothing else", async () => {
  const { context, world } = await start(
    { run: ["env"], env: { EXTRA: "env:EXTRA_SOURCE" } },
    { secrets: { "env:EXTRA_SOURCE": "yes" }, variables: { APP_MODE: "green" } },
  );
  expect(await command.act(context)).toMatchObject({ outcome: "done" });
  const lines = world.evidence[0]!.content.trim().split("\n");
  const names = lines.map((line) => line.split("=")[0]!);
  expect(lines).toEqual(
    expect.arrayContaining([
      "EXTRA=yes",
      "APP_MODE=green",
      "TMINUS_RUN=run",
      "TMINUS_STEP=step",
      "TMINUS_KEY=key-of-run-and-step",
      "TMINUS_RELEASE=v2",
      "TMINUS_ENVIRONMENT=production",
    ]),
  );
  const allowed = ["PATH", "HOME", "LANG", "TMPDIR", "EXTRA", "APP_MODE"];
  expect(names.filter((name) => !allowed.includes(name) && !name.startsWith("TMINUS_"))).toEqual([]);
});

it("fails with the exit code and the last line, and keeps the whole output", async () => {
  const { context, world } = await start({ run: ["sh", "-c", "echo one; echo two >&2; exit 7"] });
  const result = await command.act(context);
  expect(result).toMatchObject({
    outcome: "failed",
    reason: "the command ended with exit code 7: two",
    result: { exitCode: 7, lastLines: ["one", "two"], output: world.evidence[0]!.sha256 },
  });
  expect(world.evidence[0]!.content).toBe("one\ntwo\n");
});

it("accepts the exit codes it was told to expect", async () => {
  const { context } = await start({ run: ["sh", "-c", "exit 4"], expectExit: [0, 4] });
  expect(await command.act(context)).toMatchObject({ outcome: "done", result: { exitCode: 4 } });
});

it("masks a secret in output, progress and result even when it comes in two pieces", async () => {
  const { context, world } = await start(
    {
      run: ["sh", "-c", "printf 'token %s' \"${TOKEN%??????}\"; sleep 0.1; echo ${TOKEN#??????}; exit 1"],
      env: { TOKEN: "env:TOKEN" },
    },
    { secrets: { "env:TOKEN": "s3cr3tvalue1" } },
  );
  const result = await command.act(context);
  const everything = JSON.stringify([result, world.evidence, world.progress]);
  expect(everything).toContain("token ***");
  expect(everything).not.toContain("s3cr3t");
});

it("keeps the end of an output that is too long, and says how much is missing", async () => {
  const { context, world } = await start({ run: ["sh", "-c", "yes 0123456789 | head -c 400000; echo end"] });
  await command.act(context);
  const { content } = world.evidence[0]!;
  expect(content).toMatch(/^\[the first \d+ characters are left out\]\n/);
  expect(content.length).toBeLessThan(257 * 1024);
  expect(content.trimEnd().endsWith("end")).toBe(true);
});

it("shows the last line while it runs", async () => {
  const { context, world } = await start({ run: ["sh", "-c", "echo building"] });
  await command.act(context);
  expect(world.progress).toEqual(["building"]);
});

it("stops the command and throws the reason when the step is aborted", async () => {
  const { context, abort, world } = await start({ run: ["sh", "-c", "echo started; exec sleep 60"] });
  const acting = command.act(context);
  acting.catch(() => undefined);
  await expect.poll(() => world.progress).toEqual(["started"]);
  abort(new Error("time is over"));
  await expect(acting).rejects.toThrow("time is over");
  expect(world.evidence[0]!.content).toBe("started\n");
});

it("fails, rather than not knowing, when the program does not exist", async () => {
  const { context } = await start({ run: ["no-such-program-anywhere"] });
  const result = await command.act(context);
  expect(result.outcome).toBe("failed");
  expect(result.reason).toContain("could not be started");
});

describe("a script", () => {
  it("is run by the interpreter of its first line, without being executable", async () => {
    writeFileSync(
      join(directory, "job.mjs"),
      `#!${process.execPath}\nconsole.log("from", process.argv[1].split("/").at(-1));`,
    );
    const { context, world } = await start({ script: "job.mjs" });
    expect(await command.act(context)).toMatchObject({ outcome: "done" });
    expect(world.evidence[0]!.content).toBe("from job.mjs\n");
  });

  it("is run by sh without a first line of that kind, in the folder asked for", async () => {
    writeFileSync(join(directory, "job"), "echo $0 | sed 's:.*/::'\n");
    const { context, world } = await start({ script: "job", cwd: "." });
    await command.act(context);
    expect(world.evidence[0]!.content).toBe("job\n");
  });

  it("that is missing, or leads out of the project, blocks the plan", async () => {
    symlinkSync("/bin/sh", join(directory, "link"));
    expect((await start({ script: "gone.sh" })).forecast.blocked[0]!.reason).toBe(
      "script: gone.sh does not exist",
    );
    for (const script of ["link", "../../../../bin/sh", "/bin/sh"])
      expect((await start({ script })).forecast.blocked[0]!.reason).toBe(
        `script: ${script} leads out of the project`,
      );
  });

  it("that changed after the plan was made is not run", async () => {
    writeFileSync(join(directory, "job.sh"), "echo one\n");
    const { context, forecast, world } = await start({ script: "job.sh" });
    expect(forecast.inputs.map(({ name }) => name)).toEqual(["script job.sh"]);
    writeFileSync(join(directory, "job.sh"), "echo two\n");
    expect(await command.act(context)).toMatchObject({
      outcome: "failed",
      reason: "job.sh changed after the plan was made",
    });
    expect(world.evidence).toEqual([]);
  });
});

describe("the check", () => {
  it.each([
    [0, "done", "pass"],
    [3, "absent", "fail"],
    [1, "unknown", "unknown"],
    [127, "unknown", "unknown"],
  ])("with exit code %i means %s before and %s after", async (code, state, verdict) => {
    const { context } = await start({ run: ["true"], check: ["sh", "-c", `exit ${code}`] });
    expect((await command.observe(context)).state).toBe(state);
    expect((await command.verify!(context, {})).verdict).toBe(verdict);
  });

  it("contradicts an undo that left the effect", async () => {
    const { context } = await start({ run: ["true"], check: ["true"], undo: ["true"] });
    expect(await command.undo!(context, undefined)).toMatchObject({ outcome: "failed" });
  });
});

it("does not say before a rollback that its undo loses nothing: nobody but the command knows", async () => {
  const { context } = await start({ run: ["true"], undo: ["rm", "-r", "data"] });
  expect(await command.previewUndo!({ ...context, rollbackDatabase: "keep" })).toMatchObject({
    text: "runs rm -r data; what that loses only the command knows",
    rowsLost: undefined,
  });
});

it("says at planning time that it cannot be undone when no undo is given", async () => {
  expect((await start({ run: ["true"] })).forecast.undo).toEqual({
    how: "irreversible",
    text: "no undo command is given",
  });
});

it("refuses to plan when a referenced variable has no value", async () => {
  await expect(start({ run: ["true"], env: { TOKEN: "env:TOKEN" } })).rejects.toMatchObject({
    code: "SECRET_MISSING",
  });
});

it("takes either run or script, and no unknown setting", () => {
  for (const wrong of [
    {},
    { run: ["a"], script: "b" },
    { run: [] },
    { run: ["a"], shell: true },
    { run: ["a"], env: { A: "literal" } },
  ])
    expect(command.schema.safeParse(wrong).success).toBe(false);
});
