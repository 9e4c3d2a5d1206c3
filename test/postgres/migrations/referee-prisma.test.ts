import { describe, expect, it } from "vitest";
import { openPrismaEngine } from "../../support/prisma-engine.ts";
import { printVerdicts } from "./history-cases.ts";
import { compareVerdicts, keyOf, openArena, table, type Arena, type Referee } from "./referee.ts";
import { until, type MigrationWorld } from "./world.ts";

async function openReferee({ url }: MigrationWorld, directory: string): Promise<Referee> {
  const own = await openPrismaEngine(directory, url);
  return {
    blind: ["out-of-order"],
    async ask() {
      const { pending, missing, edited, failed } = await own.diagnose();
      return {
        pending: pending.map(keyOf),
        edited: edited.map(keyOf),
        missing: missing.map(keyOf),
        failed: failed.map(keyOf),
        "out-of-order": [],
      };
    },
    deploy: () => own.deploy(),
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  };
}

const open = (): Promise<Arena> => openArena("prisma", openReferee);

describe("with Prisma's schema engine as referee", () => {
  it("agrees on every state of a history, whoever made it", async () => {
    const verdicts = await compareVerdicts(open, "Prisma");
    printVerdicts("Prisma", verdicts);
    expect(verdicts.map(({ case: name, madeBy, tminus }) => `${name}, by ${madeBy}: ${tminus}`)).toEqual([
      "applied, by Prisma: up to date",
      "applied, by tminus: up to date",
      "pending, by Prisma: pending 3",
      "pending, by tminus: pending 3",
      "edited, by Prisma: edited 2",
      "edited, by tminus: edited 2",
      "failed, by Prisma: failed 3",
      "failed, by tminus: pending 3",
      "out of order, by Prisma: pending 2, out-of-order 2",
      "out of order, by tminus: pending 2, out-of-order 2",
      "missing, by Prisma: missing 2",
      "missing, by tminus: missing 2",
    ]);
  });

  it("goes on where the other stopped, to and fro, also with other line ends, and runs nothing twice", async () => {
    await using arena = await open();
    await arena.write(1, "create table t1 (id int);\r\ncreate index t1_id on t1 (id);\r\n");
    expect(await arena.referee.deploy()).toMatchObject({ ok: true });
    await arena.write(2, "BEGIN;\r\ncreate table t2 (id int);\r\nCOMMIT;\r\n");
    await arena.apply();
    await arena.write(3, table(3));
    expect(await arena.referee.deploy()).toMatchObject({ ok: true });
    await arena.write(4, 'CREATE INDEX CONCURRENTLY "t2_id" ON "t2"("id");\n');
    await arena.apply();
    expect(await arena.referee.ask()).toEqual(await arena.ask());
    await arena.write(1, "create table t1 (id int);\ncreate index t1_id on t1 (id);\n");
    await arena.write(2, "BEGIN;\ncreate table t2 (id int);\nCOMMIT;\n");
    const findings = await arena.ask();
    expect(findings).toEqual({ pending: [], edited: [], missing: [], failed: [], "out-of-order": [] });
    expect(await arena.referee.ask()).toEqual(findings);
    const rows = await arena.world.query("select version, run_key from tminus.migration order by version");
    expect(rows.map(({ run_key: key }) => key)).toEqual([
      "adopted",
      "run-1/migrate",
      "adopted",
      "run-1/migrate",
    ]);
  });

  it("keeps the other out while it migrates, and says for whom it waits", async () => {
    await using arena = await open();
    await arena.write(1, table(1));
    const other = await arena.world.other();
    await other.query("select pg_advisory_lock(72707369)");
    const applied = arena.apply();
    await until(async () =>
      arena.world.said.some((text) => text.includes("a migration by Prisma Migrate: pid")),
    );
    expect(await arena.world.has("t1")).toBe(false);
    await other.query("select pg_advisory_unlock(72707369)");
    await applied;
    expect(await arena.world.has("t1")).toBe(true);
  });

  it.each([
    [
      "nothing of it took effect",
      "alter table nowhere add column a int;\n",
      "rolled-back",
      /^Nothing of .* --rolled-back/,
    ],
    [
      "its beginning took effect",
      `${table(3)}alter table nowhere add column a int;\n`,
      "applied",
      /^The first 1 of 2 .* --applied "20240103000000_t3":\n {2}alter table nowhere add column a int;$/s,
    ],
  ] as const)(
    "offers the repair of a failed one that the catalog proves: %s",
    async (_what, sql, how, advice) => {
      await using arena = await open();
      await arena.write(1, table(1));
      await arena.write(3, sql);
      expect(await arena.referee.deploy()).toMatchObject({ ok: false });
      await expect(arena.apply()).rejects.toMatchObject({
        code: "MIGRATION_REFUSED",
        hint: expect.stringMatching(advice),
      });
      await using engine = await openPrismaEngine(arena.directory, arena.world.url);
      await engine.resolve(how, "20240103000000_t3");
      const findings = await arena.ask();
      expect(findings).toMatchObject({ failed: [], pending: how === "applied" ? [] : ["20240103000000"] });
      expect(await arena.referee.ask()).toEqual(findings);
    },
  );

  it.each([
    [
      "data was changed",
      "update t1 set id = 2;\nalter table nowhere add column a int;\n",
      "cannot tell whether",
    ],
    ["it made what was there before", `${table(3)}${table(1)}`, "was there before it ran"],
  ])("offers none when the catalog proves nothing: %s", async (_what, sql, doubt) => {
    await using arena = await open();
    await arena.write(1, table(1));
    await arena.write(3, sql);
    expect(await arena.referee.deploy()).toMatchObject({ ok: false });
    await expect(arena.apply()).rejects.toMatchObject({ hint: expect.stringContaining(doubt) });
  });

  it("takes a migration whose client was killed after its last statement for applied, and says how to mark it", async () => {
    await using arena = await open();
    await arena.write(1, `${table(1)}create index t1_id on t1 (id);\n`);
    await arena.referee.deploy();
    await arena.world.query("update _prisma_migrations set finished_at = null, applied_steps_count = 0");
    expect(await arena.referee.ask()).toEqual(await arena.ask());
    const { problems } = await arena.standing();
    expect(problems).toMatchObject([
      {
        kind: "failed",
        fix: 'All of 20240101000000_t1/migration.sql is in the database: run prisma migrate resolve --applied "20240101000000_t1".',
      },
    ]);
  });
});
