import { describe, expect, it } from "vitest";
import { TminusError } from "../../src/errors.ts";
import type { Run } from "../../src/model/run.ts";
import type { RollbackLine } from "../../src/model/tminus.ts";
import { ID, ended, withRun } from "./support/cases.ts";
import { fakeTminus, type FakeTminus } from "./support/fake-tminus.ts";
import { runCommand } from "./support/run-command.ts";
import { samplePlan, sampleRun } from "./support/sample-run.ts";

/** Newest first. */
function history(
  ...runs: {
    id: string;
    release: string;
    previous?: string;
    outcome: NonNullable<Run["outcome"]>;
    purpose?: "deploy" | "rollback";
  }[]
): FakeTminus {
  const runList = runs.map(({ id, release, previous, outcome, purpose = "deploy" }) => {
    const { previousRelease: _previousRelease, ...plan } = samplePlan({ release, purpose });
    return sampleRun({
      ...ended,
      id,
      outcome,
      plan: { ...plan, ...(previous === undefined ? {} : { previousRelease: previous }) },
    });
  });
  return fakeTminus(samplePlan(), { runList, afterFollow: ended });
}

describe("rollback without an active run", () => {
  it("goes back behind a release that was deployed twice", async () => {
    const fake = history(
      { id: "r3", release: "v2", previous: "v2", outcome: "succeeded" },
      { id: "r2", release: "v2", previous: "v1", outcome: "succeeded" },
    );
    expect((await runCommand(fake, ["rollback"])).exitCode).toBe(0);
    expect(fake.plans).toMatchObject([{ release: "v1", purpose: "rollback" }]);
  });

  it("refuses to go back to what has all traffic already", async () => {
    const fake = history({ id: "r2", release: "v2", previous: "v1", outcome: "succeeded" });
    fake.liveRelease = "v1";
    const { exitCode, stderr } = await runCommand(fake, ["rollback"]);
    expect([exitCode, fake.started.length]).toEqual([2, 0]);
    expect(stderr).toContain("v1 has all traffic already");
  });

  it("goes back to what was live before the last success, whatever failed since", async () => {
    const fake = history(
      { id: "r4", release: "v4", previous: "v3", outcome: "rolled-back" },
      { id: "r3", release: "v3", previous: "v2", outcome: "succeeded" },
      { id: "r2", release: "v2", previous: "v1", outcome: "succeeded" },
    );
    expect((await runCommand(fake, ["rollback"])).exitCode).toBe(0);
    expect(fake.plans).toMatchObject([{ release: "v2", purpose: "rollback", environment: "production" }]);
    expect(fake.started).toHaveLength(1);
    expect(fake.sent).toHaveLength(0);
  });

  it("never goes forward again to the release that was rolled back from", async () => {
    const fake = history(
      { id: "r4", release: "v2", previous: "v3", outcome: "succeeded", purpose: "rollback" },
      { id: "r3", release: "v3", previous: "v2", outcome: "succeeded" },
      { id: "r2", release: "v2", previous: "v1", outcome: "succeeded" },
    );
    await runCommand(fake, ["rollback"]);
    expect(fake.plans[0]?.release).toBe("v1");
  });

  it("goes back to what was live before the run that is named", async () => {
    const fake = history(
      { id: "r3", release: "v3", previous: "v2", outcome: "succeeded" },
      { id: "r2", release: "v2", previous: "v1", outcome: "succeeded" },
    );
    await runCommand(fake, ["rollback", "r2"]);
    expect(fake.plans[0]?.release).toBe("v1");
  });

  it("asks for the release when no run tells what was live before", async () => {
    const fake = history({ id: "r1", release: "v1", outcome: "succeeded" });
    const result = await runCommand(fake, ["rollback"]);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain("tminus rollback --to <release>");
    expect(fake.plans).toHaveLength(0);
  });
});

describe("rollback of an active run", () => {
  it("tells the run to undo what it did and makes no plan", async () => {
    const fake = withRun({}, { afterFollow: { state: "ended", outcome: "rolled-back" } });
    const result = await runCommand(fake, ["rollback", "--note", "orders fail", "--to", "v1"]);
    expect(result.exitCode).toBe(0);
    expect(fake.sent).toEqual([{ runId: ID, body: { kind: "rollback", note: "orders fail" }, actor: "mia" }]);
    expect(fake.plans).toHaveLength(0);
  });

  it("refuses another release than the one that the run goes back to", async () => {
    const fake = withRun();
    const result = await runCommand(fake, ["rollback", "--to", "v0"]);
    expect(result.exitCode).toBe(2);
    expect(fake.sent).toHaveLength(0);
  });

  it("returns at once with --detach", async () => {
    const fake = withRun({}, { staysOpen: true });
    expect((await runCommand(fake, ["rollback", "--detach"])).exitCode).toBe(0);
    expect(fake.sent).toHaveLength(1);
  });
});

describe("rollback of an active run", () => {
  const lines: RollbackLine[] = [
    { stepId: "shift", title: "Shift", what: "undo", text: "v1 gets all traffic", rowsLost: 0 },
    { stepId: "migrate", title: "Migrate", what: "undo", text: "undoing drops 41 emails", rowsLost: 41 },
  ];

  it("only tells what it would do and lose when a preview is asked for", async () => {
    const fake = withRun({ state: "running" });
    fake.rollbackLines = lines;
    const text = await runCommand(fake, ["rollback", "--preview"]);
    expect(text.exitCode).toBe(0);
    expect(text.stdout).toContain(
      "undo     shift  v1 gets all traffic\nundo     migrate  undoing drops 41 emails",
    );
    const json = await runCommand(fake, ["rollback", "--preview", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ rollback: lines, exitCode: 0 });
    expect(fake.sent).toEqual([]);
  });

  it("does not look where nobody is asked: an emergency does not wait for it", async () => {
    const fake = withRun({ state: "running" });
    fake.previewRollback = () => Promise.reject(new Error("looked"));
    for (const flag of ["--yes", `--confirm=${fake.nextPlan.environment.name}`]) {
      const { stdout, stderr } = await runCommand(fake, ["rollback", flag, "--detach", "--json"]);
      expect(JSON.parse(stdout)).toMatchObject({ signal: { kind: "rollback" } });
      expect(stderr).not.toContain("counting");
    }
    expect(fake.sent).toHaveLength(2);
  });

  it("tells it before it asks, and goes on when it cannot be found out", async () => {
    const fake = withRun({ state: "running" });
    const run = (await fake.runs({ limit: 1 }))[0]!;
    run.plan.environment.protected = true;
    fake.previewRollback = () =>
      Promise.reject(new TminusError("SECRET_MISSING", "DATABASE_URL has no value here"));
    const { stdout, asked } = await runCommand(fake, ["rollback", "--detach"], {
      isTty: true,
      answer: run.plan.environment.name,
    });
    expect(asked).toHaveLength(1);
    expect(stdout).toContain("could not be found out: DATABASE_URL has no value here");
    expect(fake.sent).toMatchObject([{ body: { kind: "rollback" } }]);
  });

  it("refuses to preview a run that has ended, for which a plan is made", async () => {
    const fake = history({ id: "r2", release: "v2", previous: "v1", outcome: "succeeded" });
    const { exitCode, stderr } = await runCommand(fake, ["rollback", "--preview"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("no run is active");
    expect(fake.started).toEqual([]);
  });
});
