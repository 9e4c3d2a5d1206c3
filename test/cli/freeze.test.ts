import type { Command } from "commander";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildProgram } from "../../src/cli/program.ts";
import type { FakeTminus } from "./support/fake-tminus.ts";
import { frozen } from "./support/calendar-cases.ts";
import { runCommand, type CommandResult } from "./support/run-command.ts";
import { samplePlan, sampleRun } from "./support/sample-run.ts";

/** What each command does in a freeze. A new command has to be given a place here. */
const inFreeze: Record<string, string> = {
  deploy: "refused; with --wait-for-window it waits",
  "db archive": "removing is refused where the environment is protected",
  "db backfill": "going on is refused where the environment is protected",
  rollback: "always allowed",
  abort: "always allowed: it goes back",
  hold: "always allowed: it stops",
  resume: "a person's word: a held run goes on, in a freeze by name",
  approve: "changes nothing by itself: the run holds at its next step",
  reject: "always allowed: it goes back",
  ack: "changes nothing by itself: the run holds at its next step",
  override: "lets a gate pass in plans: deploys stay refused",
  emergency: "lets a deploy begin all the same, for hours, by name and with a reason",
  tasks: "changes no environment",
  "merge-back": "proposes, and changes no environment",
  unlock: "changes nothing by itself: deploys stay refused",
  freeze: "declares another one",
  thaw: "lifts it, by name and with a reason",
  "db readonly": "always allowed: it contains damage",
  "db cancel": "always allowed: it contains damage",
  "db restore": "always allowed: into a new database only",
  "db backup": "reads",
  "db backup-remove": "changes no environment",
  init: "changes no environment",
  demo: "changes no environment of a project",
  worker: "executes runs, which wait by themselves",
  server: "starts runs as deploy does, and executes them, which wait by themselves",
  ...Object.fromEntries(
    ["audit", "audit verify", "audit export", "audit bundle", "audit key"].map((name) => [
      name,
      "reads the history",
    ]),
  ),
  secrets: "looks",
  "secrets age": "looks",
  "secrets rotate": "writes the day into a file of the project",
  ...Object.fromEntries(
    ["user", "user add", "user list", "user disable", "user roles", "user password"].map((name) => [
      name,
      "changes no environment",
    ]),
  ),
  ...Object.fromEntries(
    ["token", "token create", "token list", "token revoke"].map((name) => [name, "changes no environment"]),
  ),
  ...Object.fromEntries(
    ["doctor", "plan", "status", "watch", "wait", "log", "show", "explain", "windows", "windows export"].map(
      (name) => [name, "looks"],
    ),
  ),
  ...Object.fromEntries(
    [
      "backups",
      "backup-diff",
      "locks",
      "long",
      "idle",
      "pool",
      "stalled",
      "explain",
      "drift",
      "lint",
      "rehearse",
      "rls",
      "status",
      "undo-cost",
    ].map((name) => [`db ${name}`, "looks"]),
  ),
};

describe("the command table", () => {
  it("has a place for every command in a freeze", () => {
    const names = commandsOf(buildProgram(async () => undefined));
    expect(names.filter((name) => inFreeze[name] === undefined)).toEqual([]);
    expect(Object.keys(inFreeze).filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe("in a freeze", () => {
  it("a deploy is refused with the way to wait, from a release as from a stored plan, and nothing is started", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tminus-freeze-"));
    const file = join(folder, "plan.json");
    writeFileSync(file, JSON.stringify(samplePlan()));
    try {
      for (const argv of [
        ["deploy", "--release", "v2"],
        ["deploy", "--release", "v2", "--detach", "--yes"],
        ["deploy", "--plan", file],
      ]) {
        const fake = frozen();
        const result = await runCommand(fake, argv);
        expect([result.exitCode, fake.started], argv.join(" ")).toEqual([3, []]);
        expect(result.stderr).toContain("closed: freeze f7 (incident 42)");
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("a deploy that may wait is started and says so to the state", async () => {
    const fake = frozen();
    const { exitCode } = await runCommand(fake, [
      "deploy",
      "--release",
      "v2",
      "--wait-for-window",
      "--detach",
    ]);
    expect([exitCode, fake.started.length]).toEqual([0, 1]);
  });

  it("going back to an earlier release is started", async () => {
    const fake = frozen();
    const { exitCode } = await runCommand(fake, ["rollback", "--to", "v1", "--detach"]);
    expect([exitCode, fake.started.map(({ plan }) => plan.purpose)]).toEqual([0, ["rollback"]]);
  });

  it("a run under way is rolled back, aborted and held", async () => {
    for (const verb of ["rollback", "abort", "hold"]) {
      const fake = withActiveRun();
      const { exitCode } = await runCommand(fake, [verb, ...(verb === "rollback" ? ["--detach"] : [])]);
      expect([verb, exitCode, fake.sent.map(({ body }) => body.kind)]).toEqual([verb, 0, [verb]]);
    }
  });

  it("a backfill of a protected environment does not go on, and may be paused", async () => {
    const run = (...flags: string[]): Promise<CommandResult> =>
      inProtectedProject((directory) =>
        runCommand(frozen(), ["db", "backfill", "fill", ...flags], {
          directory,
          environment: { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" },
        }),
      );
    expect((await run("--resume")).stderr).toContain("production is closed: freeze f7");
    expect((await run("--pause")).stderr).not.toContain("freeze");
  });
});

function withActiveRun(): FakeTminus {
  const fake = frozen();
  fake.runList.push(sampleRun({ state: "running" }));
  return fake;
}

async function inProtectedProject<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "tminus-freeze-"));
  writeFileSync(
    join(directory, "tminus.yaml"),
    `version: 1
project: shop
environments:
  production:
    url: http://127.0.0.1:1
    protected: true
    database: { url: "env:DATABASE_URL" }
    target: { kind: local, port: 4080, directory: "releases/{release}", command: [node, server.mjs] }
stages:
  - { id: go, steps: [{ id: up, kind: app.deploy }] }
`,
  );
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function commandsOf(program: Command): string[] {
  return program.commands.flatMap((command) => [
    ...(command.commands.length > 0 && command.name() === "db" ? [] : [command.name()]),
    ...command.commands.map((inner) => `${command.name()} ${inner.name()}`),
  ]);
}
