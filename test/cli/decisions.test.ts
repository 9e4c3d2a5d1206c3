import { describe, expect, it } from "vitest";
import type { Actor } from "../../src/model/actor.ts";
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
      body: {
        kind: "approve",
        stepId: "ok",
        planHash: samplePlan().hash,
        note: "fine",
        saw: {
          at: expect.any(String) as unknown,
          gates: samplePlan().gates.map(({ id, verdict }) => ({ id, verdict })),
          summary: expect.arrayContaining(["ok: waits for 1 approval"]) as unknown,
          changes: null,
        },
      },
    });
  });

  it("shows the plan and what differs from the one approved before, and keeps that it was shown", async () => {
    const before = {
      runId: "r0older",
      planHash: "f".repeat(64),
      by: "tom",
      at: new Date(0),
      changes: ["new: a"],
    };
    const fake = withRun(atApproval, { approvedBefore: before });
    const { stdout } = await runCommand(fake, ["approve"]);
    expect(stdout).toContain("Nothing was changed.");
    expect(stdout).toContain(
      "since tom approved plan ffffffff (run r0older) at 1970-01-01 00:00Z:\n  new: a\n",
    );
    expect(fake.sent[0]?.body).toMatchObject({ saw: { changes: ["new: a"] } });
    expect((await sent(withRun(atApproval), ["-q", "approve"])).body).not.toHaveProperty("saw");
  });

  it("approves with --plan only the plan that was looked at before", async () => {
    const { hash } = samplePlan();
    expect((await sent(withRun(atApproval), ["approve", "--plan", hash.slice(0, 12)])).runId).toBe(ID);
    const fake = withRun(atApproval);
    const { exitCode, stderr } = await runCommand(fake, ["approve", "--plan", "0000"]);
    expect([exitCode, fake.sent]).toEqual([2, []]);
    expect(stderr).toContain("nothing was approved");
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

  it("signs as the user whose token is in TMINUS_TOKEN, or who types the password, and says so", async () => {
    const ann = {
      name: "ann",
      checked: { by: "token", token: "t1" },
      kind: "agent",
      emails: [],
      roles: [],
    } satisfies Actor;
    const known = (): FakeTminus => withRun({}, { signedIn: ann });
    const environment = { TMINUS_TOKEN: "tminus_t1_secret", TMINUS_ACTOR: "lena" };
    expect((await sent(known(), ["hold"], { environment })).actor).toBe("ann");
    const result = await runCommand(known(), ["hold"], { environment });
    expect(result.stdout).toContain("as ann (agent, token t1)");
    const typed = await runCommand(known(), ["hold", "--login", "ann"], {
      isTty: true,
      secret: "a password",
    });
    expect(typed.asked).toEqual(["Password of ann: "]);
    expect(typed.exitCode).toBe(0);
    expect(typed.stdout + typed.stderr).not.toContain("a password");
  });

  it("refuses what does not prove who acts, and does not fall back to a name", async () => {
    const refused = async (argv: string[], options: CommandOptions): Promise<string> => {
      const fake = withRun();
      const { stderr } = await runCommand(fake, ["hold", ...argv], options);
      expect(fake.sent).toEqual([]);
      return stderr;
    };
    const environment = { TMINUS_TOKEN: "wrong" };
    expect(await refused([], { environment })).toContain("IDENTITY_REFUSED");
    expect(await refused(["--login", "ann"], {})).toContain("there is none here");
    expect(await refused(["--login", "ann"], { isTty: true, secret: "" })).toContain("no password was typed");
    expect(await refused(["--login", "ann", "--by", "ann"], { isTty: true })).toContain("Leave --by out");
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
