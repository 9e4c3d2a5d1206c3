import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Plan } from "../../src/model/plan.ts";
import { CommandLine } from "../support/command-line.ts";
import { questionStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject, type ReleaseProjectOptions } from "../support/release-project.ts";

/** Many processes on a machine that others use too. */
const ROOM = { timeout: 180_000 };

let project: ReleaseProject;
let tminus: CommandLine;
afterEach(async () => {
  await tminus.close();
  await project.close();
});

interface Printed {
  plan: Plan;
  error: { code: string; message: string; hint: string };
  windows: { standing: { isOpen: boolean; text: string }; openings: unknown[]; freezes: { id: number }[] }[];
  run: { id: string; state: string; outcome: string };
}

async function begin(options: Partial<ReleaseProjectOptions> = {}): Promise<void> {
  project = await ReleaseProject.create({ stages: stage("go", RELEASE_STEPS), ...options });
  tminus = new CommandLine(
    project.directory,
    project.environment({ TMINUS_START_WORKER: "0", TMINUS_ACTOR: "mia" }),
  );
  await project.startWorker();
}

describe("windows of the runbook", ROOM, () => {
  it("keep a deploy out, say when it may begin, and let it wait; the plan's hash does not depend on the time", async () => {
    const ics = (day: string): string =>
      `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:${day}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`;
    await begin({ windows: "[{ id: day, effect: deny, ics: closed.ics, zone: UTC }]" });
    writeFileSync(join(project.directory, "closed.ics"), ics("20200101"));
    const open = await tminus.json<Printed>("plan", "--release", "v1");
    expect(open.value.plan.window).toMatchObject({ isOpen: true });
    const today = new Date().toISOString().slice(0, 10).replaceAll("-", "");
    writeFileSync(join(project.directory, "closed.ics"), ics(today));
    const closed = await tminus.json<Printed>("plan", "--release", "v1");
    expect(closed.exitCode).toBe(0);
    expect(closed.value.plan.window).toMatchObject({
      isOpen: false,
      closedBy: [{ kind: "window", id: "day" }],
      opensAt: expect.stringMatching(/T00:00:00\.000Z$/) as unknown,
    });
    expect(closed.value.plan.hash).toBe(open.value.plan.hash);

    const refused = await tminus.json<Printed>("deploy", "--release", "v1");
    expect([refused.exitCode, refused.value.error.code]).toEqual([3, "WINDOW_CLOSED"]);
    expect(refused.value.error.hint).toContain("--wait-for-window");
    const waiting = tminus.start("deploy", "--release", "v1", "--wait-for-window");
    const [, id = ""] = await waiting.until(/run (\w+) created/);
    await waiting.until(/waits with its place for a window: closed: window day; it opens/);
    const shown = await tminus.json<Printed>("show", id);
    expect(shown.value.run.state).toBe("queued");
    expect((await tminus.run("abort", id)).exitCode).toBe(0);
    expect((await waiting.ended).exitCode).toBe(6);
  });

  it("name the line of a calendar file that cannot be followed", async () => {
    await begin({ windows: "[{ id: day, effect: deny, ics: closed.ics, zone: UTC }]" });
    const missing = await tminus.json<Printed>("deploy", "--release", "v1");
    expect(missing.exitCode).toBe(3);
    const asked = await tminus.json<Printed>("windows");
    expect([asked.exitCode, asked.value.error.code]).toEqual([2, "CALENDAR_INVALID"]);
  });
});

describe("a freeze that a person declares", ROOM, () => {
  it("holds the run under way, keeps deploys out, and never a rollback", async () => {
    await begin({ stages: stage("go", questionStep("sure") + RELEASE_STEPS) });
    const first = tminus.start("deploy", "--release", "v1");
    const [, id = ""] = await first.until(/run (\w+) created/);
    await first.until(/waiting: sure/);
    const frozen = await tminus.run(
      "freeze",
      "--env",
      "production",
      "--until",
      "1h",
      "--reason",
      "incident 42",
    );
    expect(frozen.stdout).toContain("production is frozen until");
    expect((await tminus.run("ack", "sure", id)).exitCode).toBe(0);
    await first.until(/waits: freeze f1 \(incident 42, declared by mia\)/);
    expect((await tminus.json<Printed>("deploy", "--release", "v2")).value.error.code).toBe("WINDOW_CLOSED");
    const asked = await tminus.json<Printed>("windows");
    expect(asked.value.windows[0]).toMatchObject({ standing: { isOpen: false }, freezes: [{ id: 1 }] });
    expect((await tminus.run("thaw", "f1", "--reason", "over", "--yes")).exitCode).toBe(0);
    expect((await first.ended).exitCode).toBe(0);

    project.use({ stages: stage("go", RELEASE_STEPS) });
    expect((await tminus.run("deploy", "--release", "v2")).exitCode).toBe(0);
    await tminus.run("freeze", "--until", "1h", "--reason", "stop the line");
    const queued = await tminus.run("deploy", "--release", "v2", "--wait-for-window", "--detach");
    expect(queued.exitCode).toBe(0);
    const back = await tminus.json<Printed>("rollback", "--to", "v1");
    expect([back.exitCode, back.value.run.outcome]).toEqual([0, "succeeded"]);
  });

  it("is refused when it is too long or over, or when its time is none", async () => {
    await begin();
    for (const until of ["31d", "2020-01-01T00:00Z", "tomorrow", "2026-12-24 18:00 EST"]) {
      const { exitCode, value } = await tminus.json<Printed>("freeze", "--until", until, "--reason", "x");
      expect([until, exitCode, value.error.code]).toEqual([until, 2, "USAGE_INVALID"]);
    }
  });
});
