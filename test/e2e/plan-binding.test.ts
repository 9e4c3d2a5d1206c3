import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planHash } from "../../src/model/plan-hash.ts";
import type { Plan } from "../../src/model/plan.ts";
import { CommandLine } from "../support/command-line.ts";
import { effectStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";

/** Many processes on a machine that others use too. */
const ROOM = { timeout: 120_000 };

/** A plan that was written to a file is deployed as it was reviewed, or not at all. */
const MIGRATE = "      - { id: migrate, kind: db.migrate, with: { directory: migrations } }\n";
const STAGES = stage("go", MIGRATE + effectStep("a", "a-@run") + RELEASE_STEPS);

let project: ReleaseProject;
let tminus: CommandLine;
const inProject = (...names: string[]): string => join(project.directory, ...names);

beforeAll(async () => {
  project = await ReleaseProject.create({ stages: STAGES });
  mkdirSync(inProject("migrations"));
  writeMigration("20260101000000_one");
  mkdirSync(inProject("releases", "v3"));
  await project.startWorker();
  tminus = new CommandLine(project.directory, project.environment({ TMINUS_START_WORKER: "0" }));
  expect((await tminus.run("deploy", "--release", "v1")).exitCode).toBe(0);
});
afterAll(async () => {
  await tminus.close();
  await project.close();
});

function writeMigration(name: string, column = "id"): void {
  const text = `-- tminus: up\ncreate table ${name.slice(15)} (${column} int);\n-- tminus: down\ndrop table ${name.slice(15)};\n`;
  writeFileSync(inProject("migrations", `${name}.sql`), text);
}

async function makePlan(release: string): Promise<string> {
  const file = `plan-${release}.json`;
  expect((await tminus.run("plan", "--release", release, "-o", file)).exitCode).toBe(0);
  return file;
}

interface Refusal {
  error: { code: string; details: { moved?: string[] } };
}

/** Deploys the plan, which must be refused as stale; what is said to have moved, without the hashes. */
async function movedFor(file: string): Promise<string[]> {
  const runsBefore = await countRuns();
  const { exitCode, value } = await tminus.json<Refusal>("deploy", "--plan", file);
  expect([exitCode, value.error.code]).toEqual([8, "PLAN_STALE"]);
  expect(await countRuns()).toBe(runsBefore);
  return value.error.details.moved!.map((text) => text.replace(/ \((was .*|new)\)$/, ""));
}

async function countRuns(): Promise<number> {
  const [row] = await project.query<{ count: number }>(
    "select count(*)::int from tminus.run",
    project.stateUrl,
  );
  return row!.count;
}

describe("a plan that was written to a file", ROOM, () => {
  it("is refused while an input differs, naming exactly that one, and deployed once nothing does", async () => {
    writeMigration("20260102000000_two");
    const file = await makePlan("v2");

    writeFileSync(inProject("releases", "v2", "extra.txt"), "more");
    expect(await movedFor(file)).toEqual(["release files of v2"]);
    rmSync(inProject("releases", "v2", "extra.txt"));

    project.use({ stages: STAGES + stage("more", effectStep("b")) });
    expect(await movedFor(file)).toEqual(["runbook"]);
    project.use({ variables: { OTHER: "env:EFFECTS" } });
    expect(await movedFor(file)).toEqual(["environment settings"]);
    project.use({});

    writeMigration("20260102000000_two", "other");
    expect(await movedFor(file)).toEqual(["migration files in migrations"]);
    writeMigration("20260103000000_three");
    writeMigration("20260102000000_two");
    expect(await movedFor(file)).toEqual(["migration files in migrations"]);
    rmSync(inProject("migrations", "20260103000000_three.sql"));

    const { exitCode, stdout } = await tminus.run("deploy", "--plan", file);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining("SUCCEEDED")]);
    const [tables] = await project.query("select to_regclass('two') is not null as two");
    expect(tables).toEqual({ two: true });
  });

  it("is refused after another release went live in between", async () => {
    const file = await makePlan("v1");
    expect((await tminus.run("deploy", "--release", "v3")).exitCode).toBe(0);
    expect(await movedFor(file)).toEqual(["live traffic", "live release"]);
    const { exitCode, stderr } = await tminus.run("deploy", "--plan", file);
    expect(exitCode).toBe(8);
    expect(stderr).toMatch(/live traffic \(was v2 100 %, is v3 100 %\)/);
  });

  it("is refused when it was edited, also when its hash was made to fit", async () => {
    const file = await makePlan("v2");
    const plan = JSON.parse(readFileSync(inProject(file), "utf8")) as Plan;
    const step = plan.stages[0]!.steps.find(({ id }) => id === "a")!;
    step.with.run = ["node", "-e", "process.exit(0)"];
    const edited = inProject("edited.json");

    writeFileSync(edited, JSON.stringify(plan));
    expect((await tminus.json<Refusal>("deploy", "--plan", edited)).value.error.code).toBe("PLAN_UNREADABLE");
    expect((await tminus.run("deploy", "--plan", edited)).exitCode).toBe(2);

    const { hash: _hash, createdAt: _createdAt, ...content } = plan;
    writeFileSync(edited, JSON.stringify({ ...plan, hash: planHash(content) }));
    expect((await tminus.run("deploy", "--plan", edited)).exitCode).toBe(8);

    for (const text of ["", "{}", readFileSync(inProject(file), "utf8").slice(0, -40)]) {
      writeFileSync(edited, text);
      expect((await tminus.run("deploy", "--plan", edited)).exitCode).toBe(2);
    }
  });
});
