import { describe, expect, it } from "vitest";
import { ID, ended, withRun } from "./support/cases.ts";
import { hasEscape, runCommand } from "./support/run-command.ts";

describe("watching a run", () => {
  it("is left with Ctrl-C, which says that the run goes on and how to come back", async () => {
    const fake = withRun({}, { staysOpen: true });
    const result = await runCommand(fake, ["watch"], { onStart: (interrupt) => setImmediate(interrupt) });
    expect(result.exitCode).toBe(130);
    expect(result.stderr).toContain(`run ${ID} goes on. Come back with: tminus watch ${ID}`);
    expect(fake.sent).toHaveLength(0);
  });

  it("prints timestamped lines into a pipe, also beside JSON on stderr", async () => {
    const piped = await runCommand(withRun({}, { afterFollow: ended }), ["watch"]);
    expect(piped.stdout).toContain("10:00:04Z  ✓ migrate done in 3.0 s: 2 migrations applied");
    const json = await runCommand(withRun({}, { afterFollow: ended }), ["watch", "--json"]);
    expect(json.stderr).toContain("✓ migrate done");
    const quiet = await runCommand(withRun({}, { afterFollow: ended }), ["watch", "-q"]);
    expect(quiet.stdout + quiet.stderr).toBe(`${ID} succeeded\n`);
  });

  it("paints a tree on a terminal and leaves its last state standing", async () => {
    const result = await runCommand(withRun({}, { afterFollow: ended }), ["watch"], { isTty: true });
    expect(result.stdout).toContain("\u001b[?2026h");
    expect(result.stdout).toContain("ROLLED BACK");
    const plain = await runCommand(withRun({}, { afterFollow: ended }), ["watch", "--plain"], {
      isTty: true,
    });
    expect(hasEscape(plain.stdout)).toBe(false);
  });

  it("is never silent for longer than 30 seconds in a pipe", async () => {
    let nowMs = 0;
    let tick = (): void => undefined;
    const fake = withRun({}, { staysOpen: true });
    const result = await runCommand(fake, ["watch"], {
      monotonicMs: () => nowMs,
      onEvery: (_ms, task) => {
        tick = task;
      },
      onStart: (interrupt) =>
        setTimeout(() => {
          for (; nowMs <= 120_000; nowMs += 1000) tick();
          interrupt();
        }, 50),
    });
    const heartbeats = result.stdout.split("\n").filter((line) => line.includes("  … "));
    expect(heartbeats.length).toBeGreaterThanOrEqual(4);
  });

  it("repaints at most five times a second, and at least once a second", async () => {
    let nowMs = 0;
    let everyMs = 0;
    let tick = (): void => undefined;
    const fake = withRun({}, { staysOpen: true });
    const result = await runCommand(fake, ["watch"], {
      isTty: true,
      monotonicMs: () => nowMs,
      onEvery: (ms, task) => {
        everyMs = ms;
        tick = task;
      },
      onStart: (interrupt) =>
        setTimeout(() => {
          for (; nowMs < 10_000; nowMs += everyMs) tick();
          interrupt();
        }, 50),
    });
    const frames = result.stdout.split("\u001b[?2026h").length - 1;
    expect(everyMs).toBeGreaterThanOrEqual(200);
    expect(frames).toBeGreaterThanOrEqual(10);
    expect(frames).toBeLessThanOrEqual(13);
  });

  it("sees to it that somebody executes the run, so that it comes back after a crash", async () => {
    const fake = withRun({}, { afterFollow: ended });
    await runCommand(fake, ["watch"]);
    expect(fake.workersAsked).toBe(1);
  });
});
