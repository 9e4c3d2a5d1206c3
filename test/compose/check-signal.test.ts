import { describe, expect, it } from "vitest";
import { uncheckedActor, type Actor } from "../../src/model/actor.ts";
import { checkSignal, refusals, refuseHiddenStarter } from "../../src/compose/check-signal.ts";
import { hasCode } from "../../src/errors.ts";
import type { Attachment } from "../../src/model/evidence.ts";
import type { Run } from "../../src/model/run.ts";
import type { SignalBody } from "../../src/model/signal.ts";
import { scriptedStep } from "../support/engine.ts";
import { samplePlan } from "../support/state.ts";

const base = samplePlan();
const plan = samplePlan({
  environment: { ...base.environment, protected: true },
  stages: [
    {
      id: "go",
      title: "Go",
      risk: "low",
      success: [],
      steps: [
        scriptedStep("sign", {
          kind: "approve",
          kindVersion: 2,
          facts: { hasUsers: false, authorship: null },
        }),
        scriptedStep("list", {
          kind: "checklist",
          with: {
            items: [
              { id: "told", text: "" },
              { id: "support", text: "", owner: "Lena" },
              { id: "noted", text: "", evidence: "note" },
              { id: "filed", text: "", evidence: "attachment" },
            ],
          },
        }),
        scriptedStep("sign-off", {
          kind: "sign-off",
          with: { evidence: ["work"], attest: [{ id: "team", text: "", by: "Lena" }] },
        }),
        scriptedStep("work"),
        scriptedStep("look", { kind: "watch", with: { promote: "anyone" } }),
      ],
    },
  ],
});

function runWith(change: Partial<Run> = {}): Run {
  const createdAt = new Date(0);
  return {
    id: "r1",
    environment: "production",
    plan,
    state: "running",
    createdAt,
    createdBy: "mia",
    starter: uncheckedActor("mia"),
    ...change,
  };
}

function answer(
  body: SignalBody,
  change: Partial<Run> = {},
  actor: string | Actor = "tom",
  areUsers = false,
): string {
  const sender = typeof actor === "string" ? uncheckedActor(actor) : actor;
  try {
    checkSignal(runWith(change), body, sender, { newerPlans: [], now: new Date(1), areUsers });
    return "accepted";
  } catch (error) {
    return hasCode(error) ? error.code : String(error);
  }
}

const approve = { kind: "approve", stepId: "sign", planHash: plan.hash, note: "" } as const;
const resolve = { kind: "resolve", stepId: "work", as: "done", note: "" } as const;
const promote = { kind: "resolve", stepId: "look", as: "promote", note: "the sale opens" } as const;
const statement = { kind: "attest", stepId: "sign-off", item: "team", note: "" } as const;
const evidence = { kind: "attest", stepId: "sign-off", item: "work", note: "" } as const;
const asksForEvidence: Partial<Run> = {
  state: "waiting",
  waitingFor: { for: "attestation", text: "", stepId: "sign-off" },
};
const verdict = { decision: "roll-back", reason: "", by: "tminus", at: "" } as const;

describe("checkSignal", () => {
  it("lets a watch of a protected environment be ended early by an approver alone, who says why", () => {
    const approver: Actor = { ...uncheckedActor("ann"), kind: "human", roles: ["approver"] };
    const send = (change: { note?: string; stepId?: string }, actor: Actor, run: Partial<Run> = {}): void =>
      checkSignal(runWith(run), { ...promote, ...change }, actor, {
        newerPlans: [],
        areUsers: false,
        now: new Date(1),
      });
    const code = (work: () => void): unknown => {
      try {
        return work();
      } catch (error) {
        return hasCode(error) ? error.code : error;
      }
    };
    expect(code(() => send({}, approver))).toBeUndefined();
    expect(code(() => send({}, uncheckedActor("tom")))).toBe("APPROVAL_REFUSED");
    expect(code(() => send({}, { ...approver, kind: "agent" }))).toBe("APPROVAL_REFUSED");
    expect(code(() => send({ note: " " }, approver))).toBe("USAGE_INVALID");
    expect(code(() => send({ stepId: "work" }, approver))).toBe("RUN_NOT_WAITING");
    expect(code(() => send({}, approver, { verdict }))).toBe("RUN_NOT_WAITING");
    const asks = { for: "decision", text: "errors", stepId: "look", answers: ["done"] } as const;
    expect(code(() => send({}, approver, { waitingFor: { ...asks, answers: ["done"] } }))).toBe(
      "RUN_NOT_WAITING",
    );
  });

  it.each<[string, string, SignalBody, Partial<Run>?, string?]>([
    ["an approval by somebody else", "accepted", approve],
    ["an approval of another plan", "APPROVAL_REFUSED", { ...approve, planHash: base.hash }],
    ["an approval by who started the run", "APPROVAL_REFUSED", approve, {}, "mia"],
    ["an approval of a step that is none", "RUN_NOT_WAITING", { ...approve, stepId: "work" }],
    [
      "a rejection by who started the run",
      "accepted",
      { kind: "reject", stepId: "sign", note: "" },
      {},
      "mia",
    ],
    ["an item of the checklist", "accepted", { kind: "attest", stepId: "list", item: "told", note: "" }],
    ["an item that is not there", "RUN_NOT_WAITING", { kind: "attest", stepId: "list", item: "x", note: "" }],
    [
      "an item of another step",
      "RUN_NOT_WAITING",
      { kind: "attest", stepId: "sign", item: "told", note: "" },
    ],
    ["a statement by the one named", "accepted", statement, {}, " lena"],
    ["a statement by somebody else", "APPROVAL_REFUSED", statement],
    ["a step that a sign-off asks about", "accepted", { ...evidence, note: "fine" }, asksForEvidence],
    ["the same without a note", "USAGE_INVALID", evidence, asksForEvidence],
    ["the same before it is asked about", "RUN_NOT_WAITING", { ...evidence, note: "fine" }],
    ["a decision that nobody asked for", "RUN_NOT_WAITING", resolve],
    [
      "a decision that is asked for",
      "accepted",
      resolve,
      { waitingFor: { for: "decision", text: "", stepId: "work" } },
    ],
    [
      "a word that does not answer it",
      "RUN_NOT_WAITING",
      { ...resolve, as: "extend" },
      { waitingFor: { for: "decision", text: "", stepId: "work" } },
    ],
    [
      "a word that answers it",
      "accepted",
      { ...resolve, as: "extend" },
      { waitingFor: { for: "decision", text: "", stepId: "work", answers: ["done", "extend", "failed"] } },
    ],
    [
      "a word that this question leaves out",
      "RUN_NOT_WAITING",
      { ...resolve, as: "retry" },
      { waitingFor: { for: "decision", text: "", stepId: "work", answers: ["done", "extend", "failed"] } },
    ],
    [
      "a decision about another step",
      "RUN_NOT_WAITING",
      resolve,
      { waitingFor: { for: "decision", text: "", stepId: "x" } },
    ],
    [
      "a decision while it waits for a time",
      "RUN_NOT_WAITING",
      resolve,
      { waitingFor: { for: "time", text: "", stepId: "work" } },
    ],
    ["a hold", "accepted", { kind: "hold", note: "" }],
    [
      "a hold of a rollback",
      "RUN_NOT_WAITING",
      { kind: "hold", note: "" },
      { state: "rolling-back", verdict },
    ],
    ["an abort of a rollback", "RUN_NOT_WAITING", { kind: "abort", note: "" }, { verdict }],
    ["a rollback of a rollback", "RUN_NOT_WAITING", { kind: "rollback", note: "" }, { verdict }],
    ["an abort of a queued run", "accepted", { kind: "abort", note: "" }, { state: "queued" }],
    [
      "anything after the end",
      "RUN_ENDED",
      { kind: "abort", note: "" },
      { state: "ended", outcome: "succeeded" },
    ],
  ])("%s: %s", (_, expected, body, change = {}, actor = "tom") => {
    expect(answer(body, change, actor)).toBe(expected);
  });

  const attest = (item: string, more: { note?: string; attachment?: Attachment } = {}): SignalBody => ({
    kind: "attest",
    stepId: "list",
    item,
    note: "",
    ...more,
  });
  const attachment = { sha256: "a".repeat(64), name: "load.pdf", mediaType: "application/pdf" };

  it("takes an item with an owner from anybody as long as nobody can sign in, and then from the owner alone", () => {
    const signedIn = (name: string): Actor => ({
      name,
      checked: { by: "password" },
      kind: "human",
      emails: [],
      roles: ["operator"],
    });
    expect(answer(attest("support"), {}, "tom")).toBe("accepted");
    expect(answer(attest("support"), {}, "lena", true)).toBe("IDENTITY_REFUSED");
    expect(answer(attest("support"), {}, signedIn("tom"), true)).toBe("APPROVAL_REFUSED");
    expect(answer(attest("support"), {}, signedIn("lena"), true)).toBe("accepted");
    expect(answer(attest("told"), {}, signedIn("tom"), true)).toBe("accepted");
    const send = (): void =>
      checkSignal(runWith(), attest("support"), signedIn("tom"), {
        newerPlans: [],
        now: new Date(1),
        areUsers: true,
      });
    expect(send).toThrow("support is for Lena to attest, not for tom");
  });

  it("takes an item without the note or the file that it asks for from nobody", () => {
    expect(answer(attest("noted", { note: " " }))).toBe("USAGE_INVALID");
    expect(answer(attest("noted", { note: "seen" }))).toBe("accepted");
    expect(answer(attest("noted", { attachment }))).toBe("accepted");
    expect(answer(attest("filed", { note: "seen" }))).toBe("USAGE_INVALID");
    expect(answer(attest("filed", { attachment }))).toBe("accepted");
  });

  it("refuses an approval of a plan of which a newer one was started, and says which run has it", () => {
    const newerPlans = [{ runId: "r2", startedAt: new Date(5), hasEnded: false }];
    const send = (): void =>
      checkSignal(runWith(), approve, uncheckedActor("tom"), {
        newerPlans,
        now: new Date(9),
        areUsers: false,
      });
    expect(send).toThrow("the approval of tom would not count: the plan is stale: run r2 has a newer one");
  });

  it("refuses to start what nobody could approve, because it is not known who starts it", () => {
    const ofUsers = samplePlan({
      environment: plan.environment,
      stages: [
        {
          ...plan.stages[0]!,
          steps: [
            scriptedStep("sign", {
              kind: "approve",
              kindVersion: 2,
              facts: { hasUsers: true, authorship: null },
            }),
          ],
        },
      ],
    });
    const ann: Actor = { ...uncheckedActor("ann"), checked: { by: "password" }, kind: "human" };
    expect(() => refuseHiddenStarter(ofUsers, uncheckedActor("ann"))).toThrow(
      "who starts it may not approve it at step sign, and nobody has checked who ann is",
    );
    expect(() => refuseHiddenStarter(ofUsers, ann)).not.toThrow();
    expect(() => refuseHiddenStarter(plan, uncheckedActor("ann"))).not.toThrow();
  });

  it("lets who started the run approve it where the environment is not protected", () => {
    const open = samplePlan({ stages: plan.stages });
    expect(answer({ ...approve, planHash: open.hash }, { plan: open }, "mia")).toBe("accepted");
  });
});

describe("what is said against each kind of signal", () => {
  const approver: Actor = { ...uncheckedActor("ann"), kind: "human", roles: ["approver"] };
  const against = (
    kind: SignalBody["kind"],
    change: Partial<Run> = {},
    actor: Actor = uncheckedActor("tom"),
  ): string | undefined =>
    refusals(runWith(change), actor, { newerPlans: [], now: new Date(1), areUsers: false })[kind];
  const planOf = (...steps: (typeof plan.stages)[number]["steps"]): Run["plan"] =>
    samplePlan({ environment: plan.environment, stages: [{ ...plan.stages[0]!, steps }] });

  it("is nothing against an answer while a watch may be ended early, although nothing is asked", () => {
    const looks: Partial<Run> = { state: "waiting", waitingFor: { for: "time", text: "", stepId: "look" } };
    expect(against("resolve", looks, approver)).toBeUndefined();
    expect(answer(promote, looks, approver)).toBe("accepted");
    expect(against("resolve", looks)).toMatch(/^tom may not end this watch early: /);
    expect(answer(promote, looks)).toBe("APPROVAL_REFUSED");
    expect(against("resolve", { plan: planOf(scriptedStep("work")) }, approver)).toMatch(
      /does not wait for a decision/,
    );
  });

  it("is nothing against attesting an item before its list waits for it, but for what only a sign-off asks", () => {
    expect(against("attest")).toBeUndefined();
    const signOff = scriptedStep("sign-off", { kind: "sign-off", with: { evidence: ["work"] } });
    const alone = planOf(scriptedStep("work"), signOff);
    expect(against("attest", { plan: alone })).toMatch(/does not ask anybody about work now/);
    expect(against("attest", { plan: alone, ...asksForEvidence })).toBeUndefined();
  });

  it("is about the items of the step that a run waits at, once it waits for an attestation", () => {
    const named = scriptedStep("named", {
      kind: "checklist",
      with: { items: [{ id: "team", text: "", by: "Lena" }] },
    });
    const open = scriptedStep("open", { kind: "checklist", with: { items: [{ id: "told", text: "" }] } });
    const two = planOf(named, open);
    expect(against("attest", { plan: two })).toBeUndefined();
    const waits: Partial<Run> = { waitingFor: { for: "attestation", text: "", stepId: "named" } };
    expect(against("attest", { plan: two, ...waits })).toBe("team is for Lena to attest, not for tom");
  });
});
