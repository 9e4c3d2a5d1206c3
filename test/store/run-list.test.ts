import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunFilter } from "../../src/model/run-list.ts";
import type { RunOutcome } from "../../src/model/run.ts";
import { listEndedDeploys, listRunPage, listRuns } from "../../src/store/run-list.ts";
import { tallyRuns } from "../../src/store/run-tally.ts";
import { createRun, findRunId } from "../../src/store/runs.ts";
import { freshState, samplePlan, type TestState } from "../support/state.ts";

interface Made {
  id: string;
  environment?: string;
  release?: string;
  by?: string;
  project?: string;
  purpose?: "deploy" | "rollback";
}

let state: TestState;
beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());

async function make({ id, environment = "production", by = "mia", ...change }: Made): Promise<void> {
  const plan = samplePlan({
    ...change,
    environment: { ...samplePlan().environment, name: environment },
  });
  await createRun(state.pool, { id, plan, context: {}, startedBy: by });
}

async function end(id: string, outcome: RunOutcome, reason?: string): Promise<void> {
  const answer = await state.journal.takeLease(id, "w");
  if (answer.state !== "taken") throw new Error(`${id} does not have the environment`);
  const execution = { runId: id, token: answer.token };
  if (reason !== undefined) {
    const verdict = { decision: "roll-back", reason, by: "tminus", at: "2026-01-01T00:00:00.000Z" } as const;
    await state.journal.record(execution, "run.verdict", { ...verdict }, { verdict });
  }
  await state.journal.endRun(execution, outcome, { verdict: "verified", reason: "", at: "" }, {});
}

async function found(filter: RunFilter & { project?: string }, limit = 50): Promise<string[]> {
  const { runs } = await listRunPage(state.pool, filter, limit);
  expect((await listRuns(state.pool, filter, limit)).map(({ id }) => id)).toEqual(runs.map(({ id }) => id));
  return runs.map(({ id }) => id);
}

/** Ended runs, as if they had been there all the time: nothing that a list reads is left out. */
async function makeEnded(project: string, count: number, like: string): Promise<void> {
  await state.pool.query(
    `insert into tminus.run (id, environment, project, plan, plan_hash, context, created_by, state, outcome, created_at, started_at, ended_at)
     select $1 || '-' || lpad(n::text, 6, '0'), environment, $1, plan, plan_hash, context, created_by, 'ended', 'succeeded',
       now() - interval '1 hour' + n * interval '1 ms', now(), now()
     from tminus.run, generate_series(1, $2) n where id = $3`,
    [project, count, like],
  );
}

describe("searching runs", () => {
  const project = "search";
  beforeAll(async () => {
    await make({ project, id: "r10aaa", environment: "staging", release: "shop/v2.4.1", by: "Mia Lopez" });
    await end("r10aaa", "succeeded");
    await make({ project, id: "r10abb", release: "v3", by: "mia.lopez@example.com", purpose: "rollback" });
    await end("r10abb", "rolled-back", "rule errors: 9.1 % of checkout failed; it's \\ above");
    await make({ project, id: "r20ccc", release: "2026.11.28-3f2a9b1", by: "Zoë" });
    await make({ project: "another", id: "r10zzz", release: "v3" });
  });

  it.each([
    ["an id", "r10abb", ["r10abb"]],
    ["the beginning of ids", "R10", ["r10abb", "r10aaa"]],
    ["the beginning of a release", "shop/v2", ["r10aaa"]],
    ["a word in a release", "v2.4", ["r10aaa"]],
    ["a commit in a release", "3f2a", ["r20ccc"]],
    ["a first or last name in any case", "LOPEZ", ["r10abb", "r10aaa"]],
    ["a name with letters of another language", "zo\u00eb", ["r20ccc"]],
    ["an outcome", "rolled-back", ["r10abb"]],
    ["what went wrong", "checkout", ["r10abb"]],
    ["what went wrong, where signs part its words", "checkout-failed", ["r10abb"]],
    ["a figure of what went wrong", "9.1", ["r10abb"]],
    ["words with a sign between them of which one is not in what went wrong", "lopez-failed", []],
    ["what kind of run it is", "rollback", ["r10abb"]],
    ["an environment", "stag", ["r10aaa"]],
    ["words that are all there, in any order", "lopez staging v2", ["r10aaa"]],
    ["words of which one is not there", "lopez v9", []],
    ["the middle of a word", "opez", []],
    ["nothing but space, as everything", "  ", ["r20ccc", "r10abb", "r10aaa"]],
    ["signs that a query language would take for its own", "'lopez' & !v3 | (a:*) \\ <-> %_", []],
    ["an apostrophe and a backslash", "it's' \\", []],
    ["a character that a database refuses", "v\u0000", []],
  ])("finds %s", async (_, search, expected) => {
    expect(await found({ project, search })).toEqual(expected);
  });

  it("finds what is older than the thousand newest, which are not like it", async () => {
    const many = "many-later";
    await make({ project: many, id: "r30old", release: "v1-special", by: "ada" });
    await end("r30old", "failed");
    await make({ project: many, id: "r30new", release: "v2", by: "tom" });
    await end("r30new", "succeeded");
    await makeEnded(many, 1500, "r30new");
    await state.pool.query("analyze tminus.run");
    await make({ project: many, id: "r30now", release: "v3-special", by: "ada" });
    expect(await found({ project: many, search: "ada" })).toEqual(["r30now", "r30old"]);
    expect(await found({ project: many, search: "special", outcome: "failed" })).toEqual(["r30old"]);
    expect(await found({ project: many, search: "ada", before: "r30now" }, 1)).toEqual(["r30old"]);
    expect(await found({ project: many, search: "ada", before: "r30old" })).toEqual([]);
  });
});

describe("lists of runs", () => {
  it("have an old run that is active, however many have ended since", async () => {
    const project = "old-active";
    await make({ project, id: "r40first" });
    await makeEnded(project, 300, "r40first");
    expect(await found({ project, state: "active" })).toEqual(["r40first"]);
    expect(await found({ project, state: "queued" })).toEqual(["r40first"]);
    expect(await found({ project, state: "running" })).toEqual([]);
    expect(await found({ project, state: "ended" }, 400)).toHaveLength(300);
    expect(await found({ project, state: "active", environment: "staging" })).toEqual([]);
  });

  it("page through everything once while new runs arrive", async () => {
    const project = "paging";
    await make({ project, id: "r50first" });
    await makeEnded(project, 95, "r50first");
    // Several at the very same instant: their ids decide.
    await state.pool.query(
      `insert into tminus.run (id, environment, project, plan, plan_hash, context, created_by, created_at)
       select 'r50same' || n, environment, project, plan, plan_hash, context, created_by, created_at - interval '2 hours'
       from tminus.run, generate_series(1, 9) n where id = 'r50first'`,
    );
    const all = await found({ project }, 1000);
    const seen: string[] = [];
    let before: string | undefined;
    for (let page = 0, isMore = true; isMore; page++) {
      const { runs, hasOlder } = await listRunPage(state.pool, { project, before }, 10);
      seen.push(...runs.map(({ id }) => id));
      before = seen.at(-1);
      isMore = hasOlder;
      await make({ project, id: `r50later${page}` });
    }
    expect(seen).toEqual(all);
    expect(seen).toHaveLength(105);
  });

  it("tell whether there is another page only when there is", async () => {
    const project = "pages";
    for (const id of ["r60a", "r60b", "r60c"]) await make({ project, id });
    expect((await listRunPage(state.pool, { project }, 3)).hasOlder).toBe(false);
    expect((await listRunPage(state.pool, { project }, 2)).hasOlder).toBe(true);
    expect((await listRunPage(state.pool, { project, before: "r60b" }, 1)).hasOlder).toBe(false);
  });

  it("say of a run what its plan says, without the plan", async () => {
    const project = "facts";
    await make({ project, id: "r70a", release: "v7", purpose: "rollback", by: "mia" });
    const [run] = (await listRunPage(state.pool, { project }, 1)).runs;
    const [whole] = await listRuns(state.pool, { project }, 1);
    expect(run).toMatchObject({
      release: "v7",
      previousRelease: "v1",
      purpose: "rollback",
      isEmergency: false,
    });
    expect(run).toMatchObject({ planHash: whole!.plan.hash, createdBy: "mia", state: "queued" });
    expect(run).not.toHaveProperty("plan");
  });

  it("take a plan with a character that the database does not take as text", async () => {
    const blocked = [{ where: "gate", reason: "printed \u0000 and \\u0000 and \\\u0000" }];
    const plan = samplePlan({ project: "odd", release: "v1\u0000", blocked });
    await createRun(state.pool, { id: "r75a", plan, context: {}, startedBy: "mia" });
    expect((await listRunPage(state.pool, { project: "odd", search: "v1" }, 1)).runs).toMatchObject([
      { id: "r75a", release: "v1\ufffd" },
    ]);
    expect((await listRuns(state.pool, { project: "odd" }, 1))[0]!.plan.blocked).toEqual(blocked);
  });

  it("have a run that was stopped for a reason without a space in it", async () => {
    await make({ project: "long", id: "r76a" });
    const reason = "漢".repeat(1000);
    const verdict = { decision: "stop", reason, by: "mia", at: new Date().toISOString() };
    await state.pool.query("update tminus.run set verdict = $1 where id = 'r76a'", [JSON.stringify(verdict)]);
    const found = await listRunPage(state.pool, { project: "long", search: "漢漢漢" }, 1);
    expect(found.runs).toMatchObject([{ id: "r76a", verdict: { reason } }]);
  });

  it("have the deploys that ended in a time, and none that is still under way or goes back", async () => {
    const project = "ended";
    const before = new Date(Date.now() - 60_000);
    await make({ project, id: "r80a", environment: "staging" });
    await end("r80a", "failed");
    await make({ project, id: "r80b" });
    await end("r80b", "succeeded");
    await make({ project, id: "r80c", purpose: "rollback" });
    await end("r80c", "succeeded");
    await make({ project, id: "r80d" });
    const ids = async (since: Date, environment?: string): Promise<string[]> =>
      (
        await listEndedDeploys(
          state.pool,
          { project, ...(environment === undefined ? {} : { environment }) },
          since,
          10,
        )
      ).map(({ id }) => id);
    expect(await ids(before)).toEqual(["r80b", "r80a"]);
    expect(await ids(before, "staging")).toEqual(["r80a"]);
    expect(await ids(new Date(Date.now() + 60_000))).toEqual([]);
  });
});

describe("tallyRuns", () => {
  it("counts what is under way, and has the newest that ended, by environment", async () => {
    const project = "tally";
    await make({ project, id: "r90a", environment: "production" });
    await end("r90a", "failed");
    await make({ project, id: "r90b", environment: "production" });
    await end("r90b", "succeeded");
    await make({ project, id: "r90c", environment: "production" });
    await make({ project, id: "r90d", environment: "production" });
    await make({ project, id: "r90e", environment: "qa" });
    await make({ project, id: "r90f", environment: "staging" });
    await end("r90f", "stopped");
    const tallies = await tallyRuns(state.pool, project);
    expect([...tallies.keys()].sort()).toEqual(["production", "qa", "staging"]);
    expect(tallies.get("production")).toMatchObject({
      unended: { queued: 2 },
      last: { outcome: "succeeded" },
    });
    expect(tallies.get("qa")).toEqual({ unended: { queued: 1 } });
    expect(tallies.get("staging")).toMatchObject({ unended: {}, last: { outcome: "stopped" } });
    expect(await tallyRuns(state.pool, "nobody")).toEqual(new Map());
  });
});

describe("the beginning of an id", () => {
  it("is enough when there is one such run, and a whole id when others begin with it", async () => {
    for (const id of ["rx1", "rx1b", "rx2c"]) await make({ project: "ids", id });
    const place = { project: "ids" };
    expect(await findRunId(state.pool, "rx2", place)).toBe("rx2c");
    expect(await findRunId(state.pool, "rx1", place)).toBe("rx1");
    expect(await findRunId(state.pool, undefined, place)).toBe("rx2c");
    await expect(findRunId(state.pool, "rx", place)).rejects.toThrow(/more than one run: rx1, rx1b/);
    for (const none of ["%", "r_1", "rx2\\", "RX2", "rx2\u0000"])
      await expect(findRunId(state.pool, none, place)).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
  });
});
