import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { CommandLine } from "../support/command-line.ts";
import { questionStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";

/** Many processes and databases on a machine that others use too. */
const ROOM = { timeout: 180_000 };

/** The whole chain for a database, each step a real one: rehearsed, backed up, migrated, verified, watched, contracted. */
const DIRECTORY = `{ directory: "releases/{release}/migrations" }`;
const CHECKED = stage(
  "checked",
  `      - { id: rehearse, kind: db.rehearse, with: ${DIRECTORY} }
      - { id: backup, kind: db.backup }
`,
);
const CHANGED = stage(
  "changed",
  `      - { id: migrate, kind: db.migrate, with: ${DIRECTORY} }
      - { id: verify, kind: db.verify, with: ${DIRECTORY} }
      - { id: fill, kind: db.backfill, with: { table: people, set: { handle: lower(nick) }, where: handle is null } }
      - { id: watch, kind: db.watch, with: { duration: 2s, every: 1s, for: 1s } }
`,
);
const SIGNED_OFF = stage("signed-off", questionStep("stable"));
const CONTRACTED = stage("contracted", `      - { id: contract, kind: db.contract, with: ${DIRECTORY} }\n`);
const STAGES = CHECKED + CHANGED + stage("live", RELEASE_STEPS) + SIGNED_OFF + CONTRACTED;
const FAILING = `${STAGES}${stage(
  "last",
  `      - { id: last, kind: command, with: { run: [node, -e, "process.exit(1)"], repeatable: true } }\n`,
)}`;

const EXPAND = `-- tminus: up
alter table people add column handle text;
-- tminus: down
alter table people drop column handle;
`;
const CONTRACT = `-- tminus: phase contract
-- tminus: up
alter table people drop column nick;
-- tminus: down
alter table people add column nick text;
`;

let project: ReleaseProject;
let tminus: CommandLine;
afterEach(async () => {
  await tminus.close();
  await project.close();
});

/** v1 is live, and people have written. */
async function openShop(stages: string): Promise<void> {
  project = await ReleaseProject.create({ stages: stage("first", RELEASE_STEPS) });
  await project.startWorker();
  tminus = new CommandLine(
    project.directory,
    project.environment({ TMINUS_START_WORKER: "0", TMINUS_ACTOR: "mia" }),
  );
  expect((await tminus.run("deploy", "--release", "v1")).exitCode).toBe(0);
  await project.query("create table people (id int primary key, nick text)");
  await project.query("insert into people select n, 'Nick' || n from generate_series(1, 500) n");
  project.useStages(stages);
  const folder = join(project.directory, "releases/v2/migrations");
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "20260101000000_first.sql"),
    "-- tminus: up\ncreate table if not exists people (id int primary key, nick text);\n",
  );
  writeFileSync(join(folder, "20260102000000_second.sql"), EXPAND);
  writeFileSync(join(folder, "20260103000000_third.sql"), CONTRACT);
}

/** What rolling back would do when the sign-off is asked for, last step first. */
const PREVIEW = [
  "keep stable",
  "undo all",
  "undo deploy",
  "keep watch",
  "undo fill",
  "keep verify",
  "keep migrate",
  "keep backup",
  "keep rehearse",
];

/** Deploys v2 and attests the sign-off when it is asked for. */
async function deploy(): Promise<number | undefined> {
  const follower = tminus.start("deploy", "--release", "v2");
  await follower.until(/run \w+ created/);
  const waited = await tminus.run("wait", "--for", "waiting", "--timeout", "2m");
  expect(waited.exitCode, follower.stdout).toBe(0);
  const preview = await tminus.json<{ rollback: { stepId: string; what: string; text: string }[] }>(
    "rollback",
    "--preview",
  );
  expect(preview).toMatchObject({ exitCode: 0 });
  expect(preview.value.rollback.map(({ stepId, what }) => `${what} ${stepId}`)).toEqual(PREVIEW);
  expect((await tminus.run("ack", "stable", "--note", "quiet for a day")).exitCode).toBe(0);
  return (await follower.within(120_000)).exitCode;
}

interface Shown {
  run: { outcome: string };
  attempts?: unknown;
}

const people = (columns: string): Promise<object[]> =>
  project.query(`select count(*)::int as rows, ${columns} from people`);

describe("a release with a database", () => {
  it(
    "is rehearsed, backed up, migrated, verified, filled, watched, and contracted after sign-off",
    ROOM,
    async () => {
      await openShop(STAGES);
      const plan = await tminus.run("plan", "--release", "v2");
      expect(plan.stdout).toContain("drop column nick");
      expect(await deploy()).toBe(0);
      expect((await tminus.json<Shown>("show")).value.run.outcome).toBe("succeeded");
      expect(await people("count(*) filter (where handle = 'nick' || id)::int as filled")).toEqual([
        { rows: 500, filled: 500 },
      ]);
      expect(
        await project.query(
          "select table_name as table, column_name as column, rows::int from tminus_archive.dropped",
        ),
      ).toEqual([{ table: "people", column: "nick", rows: 500 }]);
      const backups = await tminus.json<{ backups: object[] }>("db", "backups");
      expect(backups.value.backups).toMatchObject([{ basis: true, proof: { rows: 500 } }]);
    },
  );

  it("loses nothing when it fails at its very last step", ROOM, async () => {
    await openShop(FAILING);
    expect(await deploy()).toBe(5);
    expect((await tminus.json<Shown>("show")).value.run.outcome).toBe("rolled-back");
    expect(
      await people(
        "count(*) filter (where nick = 'Nick' || id)::int as nicks, count(handle)::int as handles",
      ),
    ).toEqual([{ rows: 500, nicks: 500, handles: 500 }]);
    const status = await tminus.json<{ pending: object[]; contract: { file: string }[] }>(
      "db",
      "status",
      "--dir",
      "releases/v2/migrations",
    );
    expect(status).toMatchObject({
      exitCode: 0,
      value: { pending: [], contract: [{ file: "20260103000000_third.sql" }] },
    });
  });
});
