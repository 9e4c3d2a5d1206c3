import { describe, expect, it } from "vitest";
import { ID, atApproval, atChecklist, atQuestion, withRun } from "./support/cases.ts";
import type { FakeTminus } from "./support/fake-tminus.ts";
import { runCommand, type CommandOptions } from "./support/run-command.ts";
import { samplePlan, sampleRun } from "./support/sample-run.ts";

describe("what is sent to a run", () => {
  const sent = async (
    fake: FakeTminus,
    argv: string[],
    options: CommandOptions = {},
  ): Promise<FakeTminus["sent"][number]> => {
    const result = await runCommand(fake, argv, options);
    expect(result.exitCode).toBe(0);
    expect(fake.sent).toHaveLength(1);
    return fake.sent[0]!;
  };

  it("binds an approval to the plan and to the step that waits", async () => {
    expect(await sent(withRun(atApproval), ["approve", "--note", "fine", "--by", "ben"])).toEqual({
      runId: ID,
      actor: "ben",
      body: { kind: "approve", stepId: "ok", planHash: samplePlan().hash, note: "fine" },
    });
  });

  it("attests the item at the checklist that has it", async () => {
    expect((await sent(withRun(atChecklist), ["ack", "support-told"])).body).toEqual({
      kind: "attest",
      stepId: "told",
      item: "support-told",
      note: "",
    });
  });

  it("answers the question about a step, or else lets a held run go on", async () => {
    expect((await sent(withRun(atQuestion), ["resume", "--as", "failed"])).body).toEqual({
      kind: "resolve",
      stepId: "migrate",
      as: "failed",
      note: "",
    });
    expect((await sent(withRun({ state: "held" }), ["resume"])).body).toEqual({ kind: "resume", note: "" });
  });

  it("signs with --by, else with TMINUS_ACTOR, else with the name at the system", async () => {
    const environment = { TMINUS_ACTOR: "lena" };
    expect((await sent(withRun(), ["hold", "--by", "ben"], { environment })).actor).toBe("ben");
    expect((await sent(withRun(), ["hold"], { environment })).actor).toBe("lena");
    expect((await sent(withRun(), ["hold"])).actor).toBe("mia");
    expect((await runCommand(withRun(), ["hold", "--by", "a\u001b[2J"])).exitCode).toBe(2);
  });

  it("goes to the run that waits for it when several are active", async () => {
    const other = sampleRun({ id: "r0other00001", environment: "staging", ...atApproval });
    const fake = withRun({}, { environments: ["production", "staging"] });
    fake.runList.push(other);
    expect((await sent(fake, ["approve"])).runId).toBe("r0other00001");
    const result = await runCommand(fake, ["hold"]);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain("more than one run could be meant");
  });
});
