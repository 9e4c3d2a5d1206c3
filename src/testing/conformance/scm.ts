import assert from "node:assert/strict";
import type { Check, Proposed, PullRequest, Scm } from "../../model/scm.ts";
import type { Observed } from "../../model/verdict.ts";
import type { Scenario } from "./signal-source.ts";
import { within } from "./within.ts";

/**
 * What can happen to the other side. refused: nothing listens. hang: it takes the question and never answers.
 * unauthorized: 401. throttled: refused until a time that it names. broken: 500. malformed: cut-off JSON. too-large: an
 * answer that does not end.
 */
export const SCM_FAULTS = [
  "refused",
  "hang",
  "unauthorized",
  "throttled",
  "broken",
  "malformed",
  "too-large",
] as const;
export type ScmFault = (typeof SCM_FAULTS)[number];

/** A provider and a world in which it can be tried out. */
export interface ScmCase {
  /** Opens it anew, called once for every scenario. Its time limit should be short: one scenario waits for it. */
  open(): Promise<ScmWorld> | ScmWorld;
  /** How long an answer is waited for before it counts as none; default 30 s. */
  patienceMs?: number;
}

export interface ScmWorld {
  scm: Scm;
  /** With reviews of every decision. */
  open: PullRequest;
  /** Merged into the default branch. */
  merged: PullRequest & { mergeCommit: string };
  /** Merged into another branch. */
  mergedElsewhere: PullRequest & { mergeCommit: string };
  /** More checks than one page of the provider holds, of every state. */
  checked: { commit: string; checks: readonly Pick<Check, "name" | "state">[] };
  /** Two branches, the first with a commit that the other has not, and no request of it. */
  unproposed: { from: string; into: string };
  /** A commit that is there, and that no request ends with and no check has looked at. */
  bare: string;
  /** A commit that is not there. */
  missing: string;
  /** Makes the other side behave like this from now on. It should quote what it was sent wherever it can answer at all. */
  behave(fault: ScmFault): PromiseLike<void> | void;
  /** Must be in no answer. */
  secrets: readonly string[];
  close?(): PromiseLike<void> | void;
}

/** Everything that a provider must do, one scenario each, for any test framework: `it(title, run)`. */
export function scmScenarios(scmCase: ScmCase): Scenario[] {
  const inWorld = (title: string, work: (trial: Trial) => Promise<void>): Scenario => ({
    title,
    run: () => withTrial(scmCase, work),
  });
  return [
    inWorld("finds the open pull request of a commit, with every review", findsOpen),
    inWorld("finds what a merge made, on the default branch and on others", findsMerged),
    inWorld("finds the pull requests of a branch", findsByBranch),
    inWorld("tells every check of a commit, over all pages", tellsChecks),
    inWorld("tells nothing from a commit that is not there", tellsNothingFromMissing),
    inWorld(
      "proposes a branch once, and is refused the second time and for a branch that is not there",
      proposes,
    ),
    ...SCM_FAULTS.map((fault) =>
      inWorld(`does not know when the other side is ${fault}`, (trial) => suffers(trial, fault)),
    ),
    ...SCM_FAULTS.map((fault) =>
      inWorld(`says of a proposal what it heard when the other side is ${fault}`, (trial) =>
        hearsNothing(trial, fault),
      ),
    ),
    inWorld("rejects with the signal's reason when it is stopped", aborts),
  ];
}

type Answer = Observed<PullRequest[] | Check[]>;

interface Trial {
  world: ScmWorld;
  /** Throws when there is no answer in time. */
  inTime<T>(pending: Promise<T>): Promise<T>;
}

const RUNNING = new AbortController().signal;

async function findsOpen({ world: { scm, open }, inTime }: Trial): Promise<void> {
  const found = await inTime(scm.pullRequests({ commit: open.head.commit }, RUNNING));
  assert.deepEqual(found, { state: "present", value: [open] });
}

async function findsMerged({ world: { scm, merged, mergedElsewhere }, inTime }: Trial): Promise<void> {
  for (const request of [merged, mergedElsewhere]) {
    const found = await inTime(scm.pullRequests({ commit: request.mergeCommit }, RUNNING));
    assert.deepEqual(found, { state: "present", value: [request] });
  }
}

async function findsByBranch({ world: { scm, open, merged }, inTime }: Trial): Promise<void> {
  for (const request of [open, merged]) {
    const found = await inTime(scm.pullRequests({ branch: request.head.branch }, RUNNING));
    assert.deepEqual(found, { state: "present", value: [request] });
  }
}

async function tellsChecks({ world: { scm, checked }, inTime }: Trial): Promise<void> {
  const found = await inTime(scm.checks(checked.commit, RUNNING));
  assert.equal(found.state, "present");
  const plain = (checks: readonly Pick<Check, "name" | "state">[]): string[] =>
    checks.map(({ name, state }) => `${name} ${state}`).toSorted();
  assert.deepEqual(plain(found.state === "present" ? found.value : []), plain(checked.checks));
}

async function tellsNothingFromMissing({ world: { scm, bare, missing }, inTime }: Trial): Promise<void> {
  const nothing = { state: "present", value: [] };
  assert.deepEqual(await inTime(scm.pullRequests({ commit: bare }, RUNNING)), nothing);
  assert.deepEqual(await inTime(scm.checks(bare, RUNNING)), nothing);
  assert.deepEqual(await inTime(scm.pullRequests({ commit: missing }, RUNNING)), { state: "absent" });
  assert.deepEqual(await inTime(scm.checks(missing, RUNNING)), { state: "absent" });
}

async function proposes({ world: { scm, unproposed }, inTime }: Trial): Promise<void> {
  const wanted = { ...unproposed, title: "Bring it", body: "with *words*" };
  const made = await inTime(scm.propose(wanted, RUNNING));
  assert.ok(made.state === "opened", `it answered ${JSON.stringify(made)}`);
  const found = await inTime(scm.pullRequests({ branch: wanted.from }, RUNNING));
  assert.ok(found.state === "present", "the request is not found afterwards");
  assert.deepEqual(
    found.value.map(({ number, title, base, state, url }) => ({ number, title, base, state, url })),
    [{ number: made.number, title: "Bring it", base: wanted.into, state: "open", url: made.url }],
  );
  for (const from of [wanted.from, "not-there"]) {
    const again = await inTime(scm.propose({ ...wanted, from }, RUNNING));
    assert.equal(again.state, "refused", `it answered ${JSON.stringify(again)}`);
  }
}

async function suffers({ world, inTime }: Trial, fault: ScmFault): Promise<void> {
  await world.behave(fault);
  for (const answer of [
    await inTime<Answer>(world.scm.pullRequests({ commit: world.open.head.commit }, RUNNING)),
    await inTime<Answer>(world.scm.pullRequests({ branch: world.open.head.branch }, RUNNING)),
    await inTime<Answer>(world.scm.checks(world.checked.commit, RUNNING)),
  ]) {
    const text = JSON.stringify(answer);
    assert.equal(answer.state, "unknown", `under ${fault} it answered ${text}`);
    for (const secret of world.secrets) assert.ok(!text.includes(secret), `a secret is in ${text}`);
    if (answer.state !== "unknown") continue;
    assert.notEqual(answer.reason, "", "it gives no reason");
    if (fault === "throttled")
      assert.match(answer.reason, /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/, "it does not say until when");
  }
}

/** What may have been made all the same is never said to be refused. */
async function hearsNothing({ world, inTime }: Trial, fault: ScmFault): Promise<void> {
  await world.behave(fault);
  const answer = await inTime(world.scm.propose({ ...world.unproposed, title: "t", body: "b" }, RUNNING));
  const isHeard = fault === "unauthorized" || fault === "throttled";
  const text = JSON.stringify(answer);
  assert.equal(answer.state, isHeard ? "refused" : "unknown", `under ${fault} it answered ${text}`);
  for (const secret of world.secrets) assert.ok(!text.includes(secret), `a secret is in ${text}`);
}

async function aborts({ world, inTime }: Trial): Promise<void> {
  await world.behave("hang");
  const reason = new Error("stopped");
  for (const ask of [
    (signal: AbortSignal) => world.scm.pullRequests({ commit: world.bare }, signal),
    (signal: AbortSignal) => world.scm.checks(world.bare, signal),
    (signal: AbortSignal) => world.scm.propose({ ...world.unproposed, title: "t", body: "b" }, signal),
  ]) {
    const stopping = new AbortController();
    const pending = ask(stopping.signal);
    stopping.abort(reason);
    await assert.rejects(inTime<Answer | Proposed>(pending), (error) => error === reason);
    await assert.rejects(inTime<Answer | Proposed>(ask(stopping.signal)), (error) => error === reason);
  }
}

async function withTrial(scmCase: ScmCase, work: (trial: Trial) => Promise<void>): Promise<void> {
  const world = await scmCase.open();
  try {
    await work({ world, inTime: (pending) => within(scmCase.patienceMs ?? 30_000, pending) });
  } finally {
    await world.close?.();
  }
}
