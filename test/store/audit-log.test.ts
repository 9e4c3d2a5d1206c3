import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { uncheckedActor } from "../../src/model/actor.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { samplePlan, freshState, type TestState } from "../support/state.ts";
import { freshDatabase } from "../support/database.ts";
import { readLock, unlock } from "../../src/store/locks.ts";
import { isMigrated, migrateStore } from "../../src/store/migrate.ts";
import { openClient, type Client, type Pool } from "../../src/store/pool.ts";
import { activeEmergencies, declareEmergency, endEmergencies } from "../../src/store/emergencies.ts";
import { declareFreeze, liftFreeze } from "../../src/store/freezes.ts";
import { addOverride, endOverrides } from "../../src/store/overrides.ts";
import { createRun } from "../../src/store/runs.ts";

let state: TestState;
beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());

const END = { verdict: "verified", reason: "", at: "" } as const;
const VERDICT = { decision: "roll-back", reason: "errors", by: "tminus", at: "" } as const;

interface EntryRow {
  sequence: number;
  text_at: string;
  type: string;
  subject: string;
  actor: string;
  data: string;
  previous: string;
  hash: string;
}

async function entriesOf(pool: Pool | Client, project: string): Promise<EntryRow[]> {
  const { rows } = await pool.query<EntryRow>(
    `select *, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as text_at
     from tminus.audit_entry where project = $1 order by sequence`,
    [project],
  );
  return rows;
}

async function newRun(id: string, project: string, environment = "production"): Promise<void> {
  const plan = samplePlan({ project });
  const placed = { ...plan, environment: { ...plan.environment, name: environment } };
  await createRun(state.pool, { id, plan: placed, context: { some: "context" }, startedBy: "mia" });
}

async function taken(id: string): Promise<{ runId: string; token: number }> {
  const answer = await state.journal.takeLease(id, "worker-1");
  if (answer.state !== "taken") throw new Error("the environment is held");
  return { runId: id, token: answer.token };
}

async function headOf(id: string): Promise<{ sequence: number; hash: string }> {
  const { rows } = await state.pool.query<{ sequence: number; hash: string }>(
    "select head_sequence as sequence, head_hash as hash from tminus.run where id = $1",
    [id],
  );
  return rows[0]!;
}

function expectChain(project: string, rows: readonly EntryRow[]): void {
  let previous = "";
  for (const [index, row] of rows.entries()) {
    const covered = [previous, project, index + 1, row.text_at, row.type, row.subject, row.actor, row.data];
    const text = `[${covered.map((item) => JSON.stringify(item)).join(", ")}]`;
    expect([row.previous, row.hash]).toEqual([previous, createHash("sha256").update(text).digest("hex")]);
    previous = row.hash;
  }
}

describe("the log of a project", () => {
  it("says in one chain which runs there are, how far their logs had come, and who locked and unlocked", async () => {
    await newRun("a1", "shop");
    const execution = await taken("a1");
    await state.journal.record(execution, "run.verdict", {}, { verdict: VERDICT });
    const atVerdict = await headOf("a1");
    const lock = { release: "v2", reason: "errors", hadTraffic: true };
    await state.journal.endRun(execution, "rolled-back", END, {}, lock);
    const atEnd = await headOf("a1");
    const open = await readLock(state.pool, "shop", "production");
    await unlock(state.pool, open!, uncheckedActor('ann "the ü"'), "the flag is off");
    const rows = await entriesOf(state.pool, "shop");
    expectChain("shop", rows);
    const plan = samplePlan({ project: "shop" });
    expect(rows.map(({ type, subject, actor, data }) => [type, subject, actor, JSON.parse(data)])).toEqual([
      [
        "run.created",
        "a1",
        "mia",
        {
          run: "a1",
          environment: "production",
          plan: plan.hash,
          createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/) as unknown,
          context: createHash("sha256").update('{"some": "context"}').digest("hex"),
          head: { sequence: 1, hash: expect.any(String) as unknown },
        },
      ],
      ["run.verdict", "a1", "tminus", { run: "a1", decision: "roll-back", head: atVerdict }],
      ["run.ended", "a1", "tminus", { run: "a1", outcome: "rolled-back", head: atEnd }],
      ["environment.locked", "production", "tminus", { ...lock, run: "a1", head: atEnd }],
      [
        "environment.unlocked",
        "production",
        'ann "the ü"',
        { run: "a1", reason: "the flag is off", head: await headOf("a1") },
      ],
    ]);
  });

  it("has the end of a run that was stopped before it held its environment", async () => {
    await newRun("q1", "queued");
    await state.journal.recordQueued("q1", {}, null);
    await state.journal.endQueued("q1", {});
    const rows = await entriesOf(state.pool, "queued");
    expect(rows.map(({ type }) => type)).toEqual(["run.created", "run.ended"]);
    expect(JSON.parse(rows[1]!.data)).toMatchObject({ outcome: "stopped", head: await headOf("q1") });
  });

  it("neither breaks nor jams when runs of many environments begin and end at once", async () => {
    const ids = Array.from({ length: 24 }, (_, index) => `c${index}`);
    await Promise.all(
      ids.map(async (id) => {
        await newRun(id, "crowd", id);
        const execution = await taken(id);
        await state.journal.record(execution, "run.verdict", {}, { verdict: VERDICT });
        const lock = { release: "v2", reason: "errors", hadTraffic: true };
        await state.journal.endRun(execution, "rolled-back", END, {}, lock);
        await unlock(
          state.pool,
          (await readLock(state.pool, "crowd", id))!,
          uncheckedActor("ann"),
          "why not",
        );
      }),
    );
    const rows = await entriesOf(state.pool, "crowd");
    expect(rows).toHaveLength(ids.length * 5);
    expectChain("crowd", rows);
  });

  it("has each gate that was overridden, and who ended that", async () => {
    const override = { environment: "production", gate: "audit", reason: "the registry is down" };
    const { id } = await addOverride(
      state.pool,
      "let-pass",
      { ...override, forMs: 60_000 },
      uncheckedActor("ann"),
    );
    expect(await endOverrides(state.pool, "let-pass", override, uncheckedActor("ben"))).toBe(1);
    expect(await endOverrides(state.pool, "let-pass", override, uncheckedActor("tom"))).toBe(0);
    const rows = await entriesOf(state.pool, "let-pass");
    expectChain("let-pass", rows);
    expect(
      rows.map(({ type, subject, actor, data }) => [type, subject, actor, JSON.parse(data)]),
    ).toMatchObject([
      ["gate.overridden", "audit", "ann", { id, environment: "production", reason: "the registry is down" }],
      ["override.ended", "audit", "ben", { id, environment: "production" }],
    ]);
  });

  it("has each emergency and each freeze, and who ended it", async () => {
    const ann = uncheckedActor("ann");
    const wanted = { environment: "production", reason: "checkout is down", forMs: 60_000 };
    const { id, until, at } = await declareEmergency(state.pool, "urgent", wanted, ann);
    expect(until.getTime() - at.getTime()).toBe(60_000);
    expect(await activeEmergencies(state.pool, "urgent", "staging")).toEqual([]);
    expect((await activeEmergencies(state.pool, "urgent", undefined)).map((one) => one.id)).toEqual([id]);
    expect(await endEmergencies(state.pool, "urgent", "production", uncheckedActor("ben"))).toBe(1);
    expect(await endEmergencies(state.pool, "urgent", "production", ann)).toBe(0);
    const span = { from: new Date(), until: new Date(Date.now() + 60_000) };
    const { id: freeze } = await declareFreeze(state.pool, "urgent", { reason: "incident", ...span }, "ann");
    expect(await liftFreeze(state.pool, freeze, "ben", "over")).toBe(true);
    expect(await liftFreeze(state.pool, freeze, "tom", "over")).toBe(false);
    const rows = await entriesOf(state.pool, "urgent");
    expectChain("urgent", rows);
    expect(
      rows.map(({ type, subject, actor, data }) => [type, subject, actor, JSON.parse(data)]),
    ).toMatchObject([
      ["emergency.declared", `e${id}`, "ann", { environment: "production", actor: { checked: "none" } }],
      ["emergency.ended", `e${id}`, "ben", { environment: "production" }],
      ["freeze.declared", `f${freeze}`, "ann", { environment: null, reason: "incident" }],
      ["freeze.lifted", `f${freeze}`, "ben", { reason: "over" }],
    ]);
    const changes = [
      "update tminus.emergency set until = until + interval '1 minute'",
      "update tminus.emergency set ended_at = null, ended_by = null",
      "delete from tminus.freeze",
      "update tminus.freeze set reason = 'other'",
    ];
    for (const sql of changes) await expect(state.pool.query(sql)).rejects.toThrow(/never|append|change/);
  });

  it("is not written when what it tells of is not done", async () => {
    await newRun("u1", "undone");
    const execution = await taken("u1");
    await state.journal.takeLease("u1", "another");
    await expect(state.journal.endRun(execution, "succeeded", END, {})).rejects.toMatchObject({
      code: "LEASE_LOST",
    });
    expect((await entriesOf(state.pool, "undone")).map(({ type }) => type)).toEqual(["run.created"]);
  });

  it("begins by saying so where there were runs before it, with where each of them stood", async () => {
    const { url, drop } = await freshDatabase();
    const client = await openClient(url);
    try {
      await applyOnly(client, ["0001_init.sql", "0002_lease_by_project.sql", "0003_environment_lock.sql"]);
      for (const id of ["old", "older"])
        await client.query(
          "select tminus.create_run($1, 'production', 'shop', '{}', 'hash', '{}', 'mia', '{}')",
          [id],
        );
      await client.query("select tminus.end_queued_run('old', '{}')");
      expect(await isMigrated(client)).toBe(false);
      await migrateStore(url, systemClock, async () => undefined);
      const rows = await entriesOf(client, "shop");
      expectChain("shop", rows);
      expect(rows.map(({ type, subject }) => [type, subject])).toEqual([
        ["log.began", "shop"],
        ["run.created", "old"],
        ["run.ended", "old"],
        ["run.created", "older"],
      ]);
      expect(JSON.parse(rows[0]!.data)).toMatchObject({ runs: 2 });
      expect(JSON.parse(rows[2]!.data)).toMatchObject({ before: true, head: { sequence: 2 } });
    } finally {
      await client.end();
      await drop();
    }
  });
});

/** The schema as an earlier version left it. */
async function applyOnly(client: Client, files: readonly string[]): Promise<void> {
  const folder = join(import.meta.dirname, "../../src/store/migrations");
  await client.query("create schema tminus");
  await client.query(
    "create table tminus.schema_version (file text primary key, applied_at timestamptz not null default clock_timestamp())",
  );
  for (const file of files) {
    await client.query(readFileSync(join(folder, file), "utf8"));
    await client.query("insert into tminus.schema_version (file) values ($1)", [file]);
  }
}
