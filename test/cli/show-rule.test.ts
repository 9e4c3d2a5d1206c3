import { describe, expect, it } from "vitest";
import { ID, ended, withRun } from "./support/cases.ts";
import { hasEscape, runCommand } from "./support/run-command.ts";
import { sampleWatch } from "./support/sample-watch.ts";

const watching = () => withRun({}, { watchedSteps: [sampleWatch()] });

describe("show --rule", () => {
  it("prints the rule, how its source is declared, the arithmetic and the samples", async () => {
    const { exitCode, stdout } = await runCommand(watching(), ["show", "--rule", "errors"]);
    expect(exitCode).toBe(0);
    expect(stdout.split("\n")).toEqual([
      "errors · step canary",
      "  errors: when error_rate > 1% -> rollback",
      "  rolls back when the error rate is above 1 %",
      "  watched from 2026-11-21T10:01:04Z to 2026-11-21T10:11:04Z",
      "  goes on: 1.2 %, 12 of 1,000 in all; taken literally it would have rolled back at 10:01:10Z",
      "",
      "source prom (prometheus)",
      "  url: http://127.0.0.1:9090",
      '  queries.error_rate.bad: http_requests_total{status=~"5.."}',
      "  queries.error_rate.total: http_requests_total",
      "",
      "how it is decided",
      "  ██████████┃█░░░░░░░░░ ┃ is where it is held",
      "  target: a share of 1 % of bad requests, as written",
      "  evidence: 12.4 now",
      "",
      "samples (2)",
      "  2026-11-21T10:01:05Z  ok      0.4 %  of 500    evidence 0.2",
      "  2026-11-21T10:01:10Z  breach  1.2 %  of 1,000  evidence 12.4",
      "",
    ]);
  });

  it("prints everything with --json", async () => {
    const { stdout } = await runCommand(watching(), ["show", ID, "--rule", "errors", "--json"]);
    const value = JSON.parse(stdout) as object;
    expect(value).toMatchObject({
      run: ID,
      step: "canary",
      rule: {
        text: "errors: when error_rate > 1% -> rollback",
        sources: [
          { meter: { hold: 10, roll: 100 }, series: { rows: [{ state: "ok" }, { state: "breach" }] } },
        ],
      },
      sources: { prom: { kind: "prometheus" } },
    });
  });

  it("lets no escape sequence of a source through", async () => {
    const { stdout } = await runCommand(watching(), ["show", "--rule", "memory"]);
    expect(stdout).toContain("source host: the target's own, which is not declared");
    expect(stdout).toContain("no sample yet");
    expect(hasEscape(stdout)).toBe(false);
  });

  it("tells which rules there are when there is none of that name", async () => {
    const { exitCode, stderr } = await runCommand(watching(), ["show", "--rule", "erors"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`run ${ID} watches no rule "erors"`);
    expect(stderr).toContain('did you mean "errors"? Rules: errors, memory, shy, up.');
  });

  it("asks for the step when two watch a rule of that name", async () => {
    const fake = withRun({}, { watchedSteps: [sampleWatch(), { ...sampleWatch(), stepId: "again" }] });
    const both = await runCommand(fake, ["show", "--rule", "errors"]);
    expect(both.exitCode).toBe(2);
    expect(both.stderr).toContain("Add --step with one of: canary, again.");
    const one = await runCommand(fake, ["show", "--rule", "errors", "--step", "again"]);
    expect(one.stdout).toContain("errors · step again");
  });

  it("says that nothing watches rules, or why they are not known", async () => {
    const none = await runCommand(withRun(), ["show", "--rule", "errors"]);
    expect(none.stderr).toContain("Rules are watched by steps of kind watch, and the run has none.");
    const unknown = { stepId: "canary", title: "canary", unknown: "it has not looked yet" };
    const early = await runCommand(withRun({}, { watchedSteps: [unknown] }), ["show", "--rule", "errors"]);
    expect(early.stderr).toContain("canary: it has not looked yet.");
  });
});

describe("show", () => {
  it("lists every rule with how it stands, and what shadow rules would have done", async () => {
    const fake = withRun(ended, { watchedSteps: [sampleWatch()] });
    const { stdout } = await runCommand(fake, ["show"]);
    expect(stdout).toContain("rule canary errors: goes on: 1.2 %, 12 of 1,000 in all;");
    expect(stdout).toContain("shadow rule canary shy: would have rolled back at 10:01:05Z");
    const json = await runCommand(fake, ["show", "--json"]);
    expect((JSON.parse(json.stdout) as { rules: object[] }).rules[2]).toEqual({
      step: "canary",
      name: "shy",
      text: "shy: when error_rate > 0.1% -> rollback",
      isShadow: true,
      verdict: "FAIL",
      reason: "1.2 %, 12 of 1,000 in all",
      summary: "would have rolled back at 10:01:05Z: error_rate > 0.1%: 0.4 %",
    });
  });
});
