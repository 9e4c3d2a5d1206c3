import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { uncheckedActor } from "../../src/model/actor.ts";
import { isOverdue } from "../../src/model/follow-up.ts";
import {
  claimReminders,
  closeFollowUp,
  findFollowUp,
  followUpsOf,
  markReminded,
  openFollowUp,
  openFollowUps,
} from "../../src/store/follow-ups.ts";
import { openPool } from "../../src/store/pool.ts";
import { createRun } from "../../src/store/runs.ts";
import { applicationRole } from "../support/application-role.ts";
import { freshState, samplePlan, type TestState } from "../support/state.ts";

let state: TestState;
beforeAll(async () => {
  state = await freshState();
  await createRun(state.pool, { id: "r1", plan: samplePlan(), context: {}, startedBy: "mia" });
});
afterAll(() => state.drop());

const NOON = new Date("2026-12-01T12:00:00Z");
const later = (minutes: number): Date => new Date(NOON.getTime() + minutes * 60_000);
const ann = uncheckedActor("ann");

function wanted(project: string, change: { origin?: string; run?: string; dueAt?: Date } = {}) {
  const base = { project, environment: "production", text: "look at the error rate", owner: "ann" };
  return { ...base, origin: "checklist after/errors", dueAt: NOON, ...change };
}

describe("what is to be done after a deploy", () => {
  it("is opened once per run and origin, however often it is asked for", async () => {
    const first = await openFollowUp(state.pool, wanted("once", { run: "r1" }));
    const again = await openFollowUp(state.pool, wanted("once", { run: "r1", dueAt: later(60) }));
    expect(again).toEqual(first);
    const ofNoRun = await openFollowUp(state.pool, wanted("once", { origin: "emergency e1" }));
    expect(ofNoRun.id).not.toBe(first.id);
    expect(ofNoRun).not.toHaveProperty("run");
    expect(await followUpsOf(state.pool, "r1")).toEqual([first]);
  });

  it("is listed, the one that is due first at the front, until somebody closes it", async () => {
    const { id: second } = await openFollowUp(state.pool, wanted("list", { origin: "b", dueAt: later(60) }));
    const { id: first } = await openFollowUp(state.pool, wanted("list", { origin: "a" }));
    const ids = async (): Promise<number[]> =>
      (await openFollowUps(state.pool, "list", "production")).map(({ id }) => id);
    expect(await ids()).toEqual([first, second]);
    expect(await openFollowUps(state.pool, "list", "staging")).toEqual([]);
    expect(await closeFollowUp(state.pool, first, { actor: ann, note: "none seen" })).toBe(true);
    expect(await closeFollowUp(state.pool, first, { actor: uncheckedActor("ben"), note: "too" })).toBe(false);
    expect(await ids()).toEqual([second]);
    const closed = await findFollowUp(state.pool, "list", first);
    expect(closed?.closed).toMatchObject({ by: "ann", note: "none seen" });
    expect(isOverdue(closed!, later(1))).toBe(false);
    expect(await findFollowUp(state.pool, "another project", first)).toBeUndefined();
  });

  it("is given to one worker to remind of when it is due, to another when that one did not say so, and again after a time until it is closed", async () => {
    const { id } = await openFollowUp(state.pool, wanted("remind", { dueAt: later(10) }));
    const claimed = async (minutes: number): Promise<boolean> =>
      (await claimReminders(state.pool, later(minutes), 60_000, 3_600_000)).some((one) => one.id === id);
    expect(await claimed(9)).toBe(false);
    expect(await claimed(10)).toBe(true);
    expect(await claimed(10)).toBe(false);
    expect(await claimed(11)).toBe(true);
    await markReminded(state.pool, id, later(11));
    expect(await claimed(70)).toBe(false);
    expect((await findFollowUp(state.pool, "remind", id))?.remindedAt).toEqual(later(11));
    expect(await claimed(71)).toBe(true);
    expect(await claimed(71)).toBe(false);
    await markReminded(state.pool, id, later(71));
    await closeFollowUp(state.pool, id, { actor: ann, note: "done" });
    expect(await claimed(1_000)).toBe(false);
  });

  it("is given to one of several workers that look at once", async () => {
    const { id } = await openFollowUp(state.pool, wanted("race"));
    const rounds = await Promise.all(
      Array.from({ length: 8 }, () => claimReminders(state.pool, later(1), 60_000, 3_600_000)),
    );
    expect(rounds.flat().filter((one) => one.id === id)).toHaveLength(1);
  });

  it("is in the project's log, and stays as it was opened and as it was closed", async () => {
    const { id } = await openFollowUp(state.pool, wanted("log"));
    const attachment = await state.journal.saveEvidence("a picture");
    await closeFollowUp(state.pool, id, { actor: ann, note: "fine", attachment });
    const { rows } = await state.pool.query<{ type: string; subject: string; actor: string }>(
      "select type, subject, actor from tminus.audit_entry where project = 'log' order by sequence",
    );
    expect(rows).toEqual([
      { type: "follow-up.opened", subject: `t${id}`, actor: "tminus" },
      { type: "follow-up.closed", subject: `t${id}`, actor: "ann" },
    ]);
    const changes = [
      "delete from tminus.follow_up",
      "update tminus.follow_up set due_at = due_at + interval '1 day'",
      `update tminus.follow_up set closed_at = null, closed_by = null, note = null where id = ${id}`,
    ];
    for (const sql of changes) await expect(state.pool.query(sql)).rejects.toThrow(/not changed any more/);
  });

  it("is opened, reminded of and closed by a role that owns nothing", async () => {
    const role = await applicationRole(state.url);
    const pool = openPool(role.url, 2, () => undefined);
    try {
      const { id } = await openFollowUp(pool, wanted("role"));
      const due = await claimReminders(pool, NOON, 60_000, 3_600_000);
      expect(due.map((one) => one.id)).toContain(id);
      await markReminded(pool, id, NOON);
      expect(await closeFollowUp(pool, id, { actor: ann, note: "" })).toBe(true);
      await expect(pool.query("update tminus.follow_up set reminded_at = null")).rejects.toThrow(
        /permission denied/,
      );
    } finally {
      await pool.end();
      await role.drop();
    }
  });
});
