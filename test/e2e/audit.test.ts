import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CommandLine } from "../support/command-line.ts";
import { RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";

/** Many processes on a machine that others use too. */
const ROOM = { timeout: 120_000 };

interface Report {
  verdict: string;
  project: string;
  runs: number;
  events: number;
  evidence: number;
  problems: { how: string; run?: string; sequence?: number }[];
  error?: { code: string };
}

let project: ReleaseProject;
let tminus: CommandLine;
let run = "";
beforeAll(async () => {
  const check =
    '      - { id: look, kind: command, with: { run: [node, -e, "console.log(1)"], repeatable: true } }\n';
  project = await ReleaseProject.create({
    stages: stage("go", check + RELEASE_STEPS),
    audit: "{ anchor: { file: kept/anchors } }",
  });
  await project.startWorker();
  tminus = new CommandLine(project.directory, project.environment({ TMINUS_START_WORKER: "0" }));
  const deployed = await tminus.json<{ run: { id: string } }>("deploy", "--release", "v1");
  expect(deployed.exitCode, deployed.stderr + project.workerLog()).toBe(0);
  run = deployed.value.run.id;
}, 120_000);
afterAll(async () => {
  await tminus.close();
  await project.close();
});

/** What the owner of the tables can do, and undoes afterwards. */
async function whileChanged(
  table: string,
  change: string,
  restore: string,
  look: () => Promise<void>,
): Promise<void> {
  const asOwner = (sql: string): Promise<unknown> =>
    project.query(
      `alter table tminus.${table} disable trigger user; ${sql}; alter table tminus.${table} enable always trigger append_only`,
      project.stateUrl,
    );
  await asOwner(change);
  try {
    await look();
  } finally {
    await asOwner(restore);
  }
}

describe("tminus audit", ROOM, () => {
  it("verifies the history of a real run, and its export without the state", async () => {
    const { exitCode, value } = await tminus.json<Report>("audit", "verify");
    expect([exitCode, value.verdict, value.problems]).toEqual([0, "sound", []]);
    expect(value).toMatchObject({ project: "crash", runs: 1 });
    expect(value.events).toBeGreaterThan(8);
    expect(value.evidence).toBeGreaterThan(0);

    const written = await tminus.run("audit", "export", "-o", "audit.jsonl");
    expect([written.exitCode, written.stdout]).toEqual([
      0,
      expect.stringContaining("audit verify --file audit.jsonl"),
    ]);
    await tminus.run("audit", "export", "-o", "again.jsonl");
    const [first, again] = ["audit.jsonl", "again.jsonl"].map((name) =>
      readFileSync(join(project.directory, name), "utf8"),
    );
    expect(again).toBe(first);

    const elsewhere = new CommandLine("/", { PATH: process.env.PATH ?? "" });
    try {
      const file = join(project.directory, "audit.jsonl");
      const offline = await elsewhere.json<Report>("audit", "verify", "--file", file);
      expect([offline.exitCode, offline.value.verdict]).toEqual([0, "sound"]);
      const edited = join(project.directory, "edited.jsonl");
      writeFileSync(edited, first!.replace(`"run.started"`, `"run.stopped"`));
      const broken = await elsewhere.json<Report>("audit", "verify", "--file", edited);
      expect([broken.exitCode, broken.value.verdict]).toEqual([1, "broken"]);
      expect(broken.value.problems).toMatchObject([{ how: "edited", run }]);
      for (const bad of ["tminus.yaml", "missing.jsonl"]) {
        const none = await elsewhere.json<Report>("audit", "verify", "--file", join(project.directory, bad));
        expect([none.exitCode, none.value.error?.code]).toEqual([2, "AUDIT_UNREADABLE"]);
      }
    } finally {
      await elsewhere.close();
    }
  });

  it("names what the owner of the state edited, in words too", async () => {
    const where = `where run_id = '${run}' and sequence = 3`;
    await whileChanged(
      "event",
      `update tminus.event set actor = actor || '!' ${where}`,
      `update tminus.event set actor = rtrim(actor, '!') ${where}`,
      async () => {
        const { exitCode, value } = await tminus.json<Report>("audit", "verify");
        expect(exitCode).toBe(1);
        expect(value.problems).toMatchObject([{ how: "edited", run, sequence: 3 }]);
        const { stdout } = await tminus.run("audit", "verify");
        expect(stdout).toContain(`run ${run}: event 3 is not what was written`);
      },
    );
    await whileChanged(
      "evidence",
      "alter table tminus.evidence drop constraint evidence_is_its_hash; update tminus.evidence set content = content || '!'",
      "update tminus.evidence set content = left(content, -1)",
      async () => {
        const { value } = await tminus.json<Report>("audit", "verify");
        expect(new Set(value.problems.map(({ how }) => how))).toEqual(new Set(["evidence"]));
        expect((await tminus.run("audit", "verify", "--no-evidence")).exitCode).toBe(0);
      },
    );
    expect((await tminus.run("audit", "verify")).exitCode).toBe(0);
  });

  it("finds by the anchors what was cut off the project's log, and does not guess without them", async () => {
    const anchors = join(project.directory, "kept/anchors");
    expect(readFileSync(anchors, "utf8")).toContain(`"run":"${run}"`);
    const asOwner = (sql: string): Promise<unknown> => project.query(sql, project.stateUrl);
    const tables = ["audit_entry", "audit_head"];
    const [kept] = await project.query<{ sequence: number; hash: string }>(
      "select sequence, hash from tminus.audit_head",
      project.stateUrl,
    );
    await asOwner(`${tables.map((table) => `alter table tminus.${table} disable trigger user;`).join("")}
      create table public.cut as select * from tminus.audit_entry where sequence > 1;
      delete from tminus.audit_entry where sequence > 1;
      update tminus.audit_head set sequence = 1, hash = (select hash from tminus.audit_entry)`);
    const { exitCode, value } = await tminus.json<Report>("audit", "verify");
    expect(exitCode).toBe(1);
    expect(value.problems).toContainEqual(
      expect.objectContaining({ how: "anchor", sequence: kept!.sequence }),
    );
    await asOwner(`insert into tminus.audit_entry select * from public.cut; drop table public.cut;
      update tminus.audit_head set sequence = ${kept!.sequence}, hash = '${kept!.hash}';
      ${tables.map((table) => `alter table tminus.${table} enable trigger user;`).join("")}
      alter table tminus.audit_entry enable always trigger append_only`);
    expect((await tminus.run("audit", "verify")).exitCode).toBe(0);

    rmSync(anchors);
    const unknown = await tminus.json<Report>("audit", "verify");
    expect([unknown.exitCode, unknown.value.verdict]).toEqual([1, "unknown"]);
    const words = await tminus.run("audit", "verify");
    expect(words.stdout).toContain("has no anchor of this project");
  });

  it("bundles a run under a key of its own, which anybody with the public half verifies", async () => {
    const none = await tminus.json<Report>("audit", "bundle", run, "-o", "run.json");
    expect([none.exitCode, none.value.error?.code]).toEqual([2, "SIGNING_KEY_MISSING"]);
    const key = await tminus.run("audit", "key");
    expect(key.stdout).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
    writeFileSync(join(project.directory, "key.pub"), key.stdout);
    expect((await tminus.run("audit", "bundle", run.slice(0, 8), "-o", "run.json")).exitCode).toBe(0);
    const elsewhere = new CommandLine("/", { PATH: process.env.PATH ?? "" });
    const verify = (bundle: string): ReturnType<typeof elsewhere.run> =>
      elsewhere.run(
        "audit",
        "verify",
        "--bundle",
        join(project.directory, bundle),
        "--key",
        join(project.directory, "key.pub"),
      );
    try {
      const sound = await verify("run.json");
      expect([sound.exitCode, sound.stdout], sound.stderr).toEqual([
        0,
        expect.stringContaining(`run: "${run}"`),
      ]);
      const envelope = JSON.parse(readFileSync(join(project.directory, "run.json"), "utf8")) as {
        payload: string;
      };
      const statement = Buffer.from(envelope.payload, "base64").toString();
      const forged = Buffer.from(statement.replace("succeeded", "succeedee")).toString("base64");
      writeFileSync(join(project.directory, "forged.json"), JSON.stringify({ ...envelope, payload: forged }));
      expect((await verify("forged.json")).exitCode).toBe(1);
      expect((await verify("tminus.yaml")).exitCode).toBe(2);
      expect((await elsewhere.run("audit", "verify", "--key", "key.pub")).exitCode).toBe(2);
    } finally {
      await elsewhere.close();
    }
  });

  it("says that it could not find out where the state does not answer", async () => {
    const away = { TMINUS_START_WORKER: "0", TMINUS_DATABASE_URL: "postgres://127.0.0.1:1/none" };
    const elsewhere = new CommandLine(project.directory, project.environment(away));
    try {
      const { exitCode, value } = await elsewhere.json<Report>("audit", "verify");
      expect([exitCode, value.error?.code]).toEqual([1, "STATE_UNAVAILABLE"]);
    } finally {
      await elsewhere.close();
    }
  });
});
