import { describe, expect, it } from "vitest";
import { TminusError } from "../../src/errors.ts";
import { ID, ended, withRun } from "./support/cases.ts";
import type { FakeTminus } from "./support/fake-tminus.ts";
import { hasEscape, runCommand, type CommandOptions } from "./support/run-command.ts";
import { approved, beginning, eventsOf, rolledBack, waitingForApproval } from "./support/sample-run.ts";
import { sampleWatch } from "./support/sample-watch.ts";

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

  describe("whose step at work watches rules", () => {
    /** Ticks for so many seconds, and lets what is read in between be read. */
    async function watchFor(seconds: number, change: Partial<FakeTminus>, options: CommandOptions = {}) {
      let nowMs = 0;
      let everyMs = 1000;
      let tick = (): void => undefined;
      const story = eventsOf(...beginning, ...waitingForApproval, ...approved, ...rolledBack.slice(0, 5));
      const fake = withRun({}, { staysOpen: true, eventsByRun: { [ID]: story }, ...change });
      const result = await runCommand(fake, ["watch"], {
        ...options,
        monotonicMs: () => nowMs,
        onEvery: (ms, task) => {
          everyMs = ms;
          tick = task;
        },
        onStart: (interrupt) =>
          setTimeout(async () => {
            for (; nowMs <= seconds * 1000; nowMs += everyMs) {
              tick();
              await new Promise((resolve) => setImmediate(resolve));
            }
            interrupt();
          }, 50),
      });
      return { fake, result };
    }

    it("shows them on a terminal, read once a second", async () => {
      let reads = 0;
      const watched = async () => {
        reads++;
        return [sampleWatch()];
      };
      const { result } = await watchFor(10, { watched }, { isTty: true });
      expect(result.stdout).toContain("errors: rolls back when the error rate is above 1 %");
      expect(reads).toBeGreaterThanOrEqual(9);
      expect(reads).toBeLessThanOrEqual(11);
    });

    it("prints them into a pipe with each heartbeat, and at once when one has changed", async () => {
      let reads = 0;
      const watched = async () => {
        const { report, ...step } = sampleWatch();
        const rules = report!.rules.map((rule) => ({
          ...rule,
          verdict: reads > 5 ? ("FAIL" as const) : rule.verdict,
        }));
        reads++;
        return [{ ...step, report: { ...report!, rules } }];
      };
      const { result } = await watchFor(20, { watched });
      const lines = result.stdout.split("\n");
      const heads = lines.filter((line) => line.includes("  … canary (app.shift) running"));
      expect(heads).toHaveLength(2);
      expect(heads.join()).not.toContain("last:");
      const first = lines.indexOf(heads[0]!);
      expect(lines[first + 1]).toBe("           errors: rolls back when the error rate is above 1 %");
      expect(hasEscape(result.stdout)).toBe(false);
    });

    it("says so when they cannot be read, and goes on", async () => {
      const watched = () => Promise.reject(new TminusError("STATE_UNAVAILABLE", "the state does not answer"));
      const { result } = await watchFor(5, { watched }, { isTty: true, columns: 120 });
      expect(result.stdout).toContain("its rules cannot be read: the state does not answer");
      expect(result.exitCode).toBe(130);
    });

    it("asks a step that watches nothing twice a minute at most", async () => {
      let reads = 0;
      const watched = async () => {
        reads++;
        return [];
      };
      await watchFor(120, { watched });
      expect(reads).toBeLessThanOrEqual(5);
    });
  });

  it("sees to it that somebody executes the run, so that it comes back after a crash", async () => {
    const fake = withRun({}, { afterFollow: ended });
    await runCommand(fake, ["watch"]);
    expect(fake.workersAsked).toBe(1);
  });
});
