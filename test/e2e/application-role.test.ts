import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applicationRole, type ApplicationRole } from "../support/application-role.ts";
import { CommandLine } from "../support/command-line.ts";
import { freshDatabase, type FreshDatabase } from "../support/database.ts";
import { effectStep, questionStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";

/** Many processes on a machine that others use too. */
const ROOM = { timeout: 120_000 };

const FAIL =
  '      - { id: check, kind: command, with: { run: [node, -e, "process.exit(1)"], repeatable: true } }\n';

let project: ReleaseProject;
let role: ApplicationRole | undefined;
let commands: CommandLine[] = [];
beforeEach(async () => {
  project = await ReleaseProject.create({
    stages: stage("go", effectStep("a") + questionStep("asked") + RELEASE_STEPS),
  });
  commands = [];
  role = undefined;
});
afterEach(async () => {
  await Promise.all(commands.map((each) => each.close()));
  await role?.drop();
  await project.close();
});

function commandLine(stateUrl: string): CommandLine {
  const environment = project.environment({ TMINUS_START_WORKER: "0", TMINUS_DATABASE_URL: stateUrl });
  const opened = new CommandLine(project.directory, environment);
  commands.push(opened);
  return opened;
}

describe("a shared state that belongs to another role", ROOM, () => {
  it("carries whole runs, forward and back, for a role that owns nothing", async () => {
    // Whoever opens it first brings it up to date; here that is the owner.
    expect((await commandLine(project.stateUrl).run("status")).exitCode).toBe(0);
    role = await applicationRole(project.stateUrl);
    const tminus = commandLine(role.url);
    await project.startWorker({ TMINUS_DATABASE_URL: role.url });

    const started = tminus.start("deploy", "--release", "v1");
    await started.until(/tminus ack/);
    expect((await tminus.run("ack", "asked", "--by", "ann")).exitCode).toBe(0);
    const deployed = await started.ended;
    expect(deployed.exitCode, deployed.stdout + deployed.stderr + project.workerLog()).toBe(0);

    project.useStages(stage("go", RELEASE_STEPS + FAIL));
    const failed = await tminus.run("deploy", "--release", "v2");
    expect(failed.exitCode, failed.stdout + project.workerLog()).toBe(5);
    expect((await tminus.run("unlock", "production", "--reason", "fixed")).exitCode).toBe(0);
    const shown = await tminus.run("show");
    expect(shown.exitCode, shown.stderr).toBe(0);
    const owners = await project.query<{ usename: string }>(
      "select distinct usename::text from pg_stat_activity where application_name = 'tminus' and datname = current_database()",
      role.url,
    );
    expect(owners).toEqual([{ usename: new URL(role.url).username }]);
  });

  it("tells a role that may not bring it up to date who has to, and how", async () => {
    const empty: FreshDatabase = await freshDatabase();
    try {
      expect((await commandLine(project.stateUrl).run("status")).exitCode).toBe(0);
      role = await applicationRole(project.stateUrl);
      const other = new URL(empty.url);
      other.username = new URL(role.url).username;
      const { exitCode, stderr } = await commandLine(other.href).run("log");
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining("STATE_DENIED")]);
      expect(stderr).toContain("tminus.grant_application");
    } finally {
      await empty.drop();
    }
  });
});
