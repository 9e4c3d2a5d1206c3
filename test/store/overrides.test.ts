import { uncheckedActor } from "../../src/model/actor.ts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { activeOverrides, addOverride, endOverrides } from "../../src/store/overrides.ts";
import { freshState, type TestState } from "../support/state.ts";

let state: TestState;
beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());

const HOUR_MS = 3_600_000;
const wanted = { environment: "production", gate: "tests", reason: "known" };

it("holds for its time, in its environment of its project alone", async () => {
  const made = await addOverride(state.pool, "one", { ...wanted, forMs: 2 * HOUR_MS }, uncheckedActor("ann"));
  expect(made).toMatchObject({ ...wanted, by: "ann", identity: uncheckedActor("ann") });
  expect(made.until.getTime() - made.at.getTime()).toBe(2 * HOUR_MS);
  expect(await activeOverrides(state.pool, "one", "production")).toEqual([made]);
  expect(await activeOverrides(state.pool, "one", undefined)).toEqual([made]);
  expect(await activeOverrides(state.pool, "one", "staging")).toEqual([]);
  expect(await activeOverrides(state.pool, "other", "production")).toEqual([]);
});

it("is over by itself, and is kept", async () => {
  const { until } = await addOverride(state.pool, "short", { ...wanted, forMs: 1 }, uncheckedActor("ann"));
  await state.pool.query("select pg_sleep_until($1)", [new Date(until.getTime() + 1)]);
  expect(await activeOverrides(state.pool, "short", "production")).toEqual([]);
  expect(await endOverrides(state.pool, "short", wanted, uncheckedActor("bob"))).toBe(0);
  const { rows } = await state.pool.query("select by, ended_by from tminus.override where project = 'short'");
  expect(rows).toEqual([{ by: "ann", ended_by: null }]);
});

it("is ended once, by a name", async () => {
  await addOverride(state.pool, "ended", { ...wanted, forMs: HOUR_MS }, uncheckedActor("ann"));
  await addOverride(state.pool, "ended", { ...wanted, gate: "audit", forMs: HOUR_MS }, uncheckedActor("ann"));
  expect(await endOverrides(state.pool, "ended", wanted, uncheckedActor("bob"))).toBe(1);
  expect(await endOverrides(state.pool, "ended", wanted, uncheckedActor("eve"))).toBe(0);
  const left = await activeOverrides(state.pool, "ended", "production");
  expect(left.map(({ gate }) => gate)).toEqual(["audit"]);
  const { rows } = await state.pool.query(
    "select gate, ended_by from tminus.override where project = 'ended' order by id",
  );
  expect(rows).toEqual([
    { gate: "tests", ended_by: "bob" },
    { gate: "audit", ended_by: null },
  ]);
});

it("never holds for more than eight hours, whoever writes it", async () => {
  await expect(
    addOverride(state.pool, "long", { ...wanted, forMs: 8 * HOUR_MS + 1 }, uncheckedActor("ann")),
  ).rejects.toThrow(/check/);
});
