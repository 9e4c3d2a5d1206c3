import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRemote } from "../../src/client/open-remote.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Secret } from "../../src/lib/redact.ts";
import type { Tminus } from "../../src/model/tminus.ts";
import { startServer, type RunningServer } from "../server/support/running-server.ts";
import { CommandLine } from "../support/command-line.ts";
import { effectStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";

/** Many processes on a machine that others use too. */
const ROOM = { timeout: 240_000 };

let project: ReleaseProject;
let server: RunningServer;
/** A folder with no runbook in it. */
const elsewhere = mkdtempSync(join(tmpdir(), "tminus-elsewhere-"));
const commands: CommandLine[] = [];
const tokens = { ann: "", ben: "" };

function command(directory: string, more: Record<string, string>): CommandLine {
  const made = new CommandLine(directory, project.environment({ TMINUS_START_WORKER: "0", ...more }));
  commands.push(made);
  return made;
}

/** Where the project is. */
const here = (token = tokens.ann): CommandLine =>
  command(project.directory, token === "" ? {} : { TMINUS_TOKEN: token });
/** On a machine that knows the server's address and nothing else. */
const away = (token = tokens.ann, url = server.url): CommandLine =>
  command(elsewhere, { TMINUS_URL: url, ...(token === "" ? {} : { TMINUS_TOKEN: token }) });

const open = (token: string | undefined): Promise<Tminus> =>
  openRemote({
    url: server.url,
    token: token === undefined ? undefined : new Secret(token, "token"),
    clock: systemClock,
    log: () => undefined,
  });

beforeAll(async () => {
  const gate = "      - { id: sign, kind: approve, with: { not: [starter], authors: unknown-allowed } }\n";
  project = await ReleaseProject.create({
    protected: true,
    gates: "  - { id: tests, kind: command, with: { run: [sh, -c, 'exit 1'] } }\n",
    emergency: "{ keep: [] }",
    stages: stage("go", gate + RELEASE_STEPS + effectStep("a", "a-@run")),
  });
  for (const name of ["ann", "ben"] as const) {
    const roles = ["--role", "operator", "--role", "approver"];
    const argv = ["user", "add", name, "--email", `${name}@example.com`, ...roles, "--token"];
    tokens[name] = (await here().json<{ secret: string }>(...argv)).value.secret;
  }
  server = await startServer(project);
}, 180_000);
afterAll(async () => {
  for (const one of commands) await one.close();
  await server.stop();
  await project.close();
  rmSync(elsewhere, { recursive: true });
});

/** What a command prints with --json, without what differs from moment to moment. */
async function compared(line: CommandLine, argv: readonly string[]): Promise<unknown> {
  const { exitCode, value } = await line.json<object>(...argv);
  const text = JSON.stringify({ exitCode, value });
  // The API tells e-mails to those alone who see users.
  const known = text.replaceAll(/"emails":\[[^\]]*\]/g, '"emails":[]');
  return JSON.parse(known.replaceAll(/("standing":\{"at":|"heartbeatAt":)"[^"]*"/g, '$1"then"'));
}

describe("the command line with TMINUS_URL", ROOM, () => {
  it("takes a release through its whole life from a machine that has no runbook", async () => {
    const blocked = await away().run("plan", "--release", "v1");
    expect([blocked.exitCode, blocked.stdout]).toEqual([3, expect.stringContaining("tests")]);
    expect(blocked.stderr).toContain("gate");
    const argv = ["override", "tests", "--for", "1h", "--reason", "seen by hand", "--confirm=production"];
    expect((await away(tokens.ben).run(...argv)).exitCode).toBe(0);

    const file = join(elsewhere, "plan.json");
    expect((await away().run("plan", "--release", "v1", "-o", file)).exitCode).toBe(0);
    const deploy = ["deploy", "--plan", file, "--confirm=production"];
    const watching = away().start(...deploy);
    await watching.until(/waits|waiting/i);
    const { value: listed } = await away().json<{ runs: { id: string }[] }>("log");
    const [{ id }] = listed.runs as [{ id: string }];
    const own = await away().run("approve", id);
    expect([own.exitCode, own.stderr]).toEqual([
      expect.any(Number),
      expect.stringContaining("APPROVAL_REFUSED"),
    ]);
    const approved = await away(tokens.ben).run("approve", id, "--note", "read it");
    expect(approved.stdout).toContain("approve sent to run");
    const ended = await watching.within(180_000);
    expect(ended.exitCode, ended.stdout + ended.stderr).toBe(0);
    expect(project.effectLines()).toEqual(["started v1", `did a-${id}`]);

    for (const same of [
      ["status"],
      ["log"],
      ["log", "--markdown"],
      ["show", id],
      ["show", id, "--step", "a"],
      ["windows"],
      ["override"],
      ["tasks"],
      ["emergency"],
    ])
      expect([same, await compared(away(), same)]).toEqual([same, await compared(here(), same)]);
  });

  it("goes on following a run when the server is killed and started again", async () => {
    const following = away().start("deploy", "--release", "v2", "--confirm=production", "--json=stream");
    await following.until(/"step\.waiting"/);
    const { value } = await here().json<{ runs: { id: string }[] }>("log");
    const { id } = value.runs[0]!;
    server.command.kill("SIGKILL");
    await server.command.ended.catch(() => undefined);
    await following.until(/does not answer; the run goes on/);
    server = await startServer(project, ["--port", new URL(server.url).port]);
    // The new worker takes the run over first.
    const waits = await away().run("wait", id, "--for", "waiting", "--timeout", "40s");
    expect(waits.exitCode, waits.stderr).toBe(0);
    const approved = await away(tokens.ben).run("approve", id);
    expect(approved.exitCode, approved.stderr).toBe(0);
    const { exitCode, stdout } = await following.within(180_000);
    expect(exitCode).toBe(0);
    const told = [...stdout.matchAll(/"runId":"\w+","sequence":(\d+)/g)].map(([, number]) => Number(number));
    expect(told.length).toBeGreaterThan(10);
    expect(told).toEqual(told.map((_, index) => index + 1));
  });

  it("says what people decide as somebody whom the server knows", async () => {
    const freeze = ["freeze", "--until", "4h", "--reason", "sale"];
    expect((await away().run(...freeze)).stdout).toMatch(/by ann \(token \w+\)/);
    expect((await away().run("windows")).stdout).toContain("by ann: sale");
    const thawed = await away(tokens.ben).run("thaw", "f1", "--reason", "over", "--confirm=crash");
    expect([thawed.exitCode, thawed.stderr]).toEqual([0, expect.anything()]);
    expect((await here().run("windows")).stdout).not.toContain("sale");

    const declared = ["emergency", "--for", "1h", "--reason", "checkout is down", "--confirm=production"];
    expect((await away(tokens.ben).run(...declared)).exitCode).toBe(0);
    expect((await away().run("emergency")).stdout).toContain("checkout is down");
    expect((await away().run("emergency", "--end")).stdout).toContain("is over");
  });

  it("keeps users, tokens and files on the server", async () => {
    const added = await away().json<{ user: { name: string } }>("user", "add", "kim", "--role", "viewer");
    expect([added.exitCode, added.stderr]).toEqual([0, expect.anything()]);
    expect((await here().run("user", "list")).stdout).toContain("kim (viewer)");
    const made = await away().json<{ secret: string }>(
      "token",
      "create",
      "bot",
      "--role",
      "operator",
      "--agent",
    );
    expect((await away(made.value.secret).run("status")).exitCode).toBe(0);
    const refused = await away(made.value.secret).run("user", "list");
    expect(refused.stderr).toContain("PERMISSION_REFUSED");
    const [id] = made.value.secret.slice("tminus_".length).split("_");
    expect((await away().run("token", "revoke", id!)).exitCode).toBe(0);
    expect((await away(made.value.secret).run("status")).stderr).toContain("IDENTITY_REFUSED");

    const content = Buffer.from([0, 255, 1, 254]);
    const remote = await open(tokens.ann);
    const { sha256, mediaType } = await remote.handIn({ name: "report.pdf", content });
    expect(mediaType).toBe("application/pdf");
    const file = join(elsewhere, "copy.pdf");
    expect((await away().run("show", "--evidence", sha256, "-o", file)).exitCode).toBe(0);
    expect(readFileSync(file)).toEqual(content);
    expect(await remote.evidence("0".repeat(64))).toBeUndefined();
    await expect(remote.handIn({ name: "../up", content })).rejects.toMatchObject({ code: "USAGE_INVALID" });
    await remote.close();
  });

  it("signs in with a password, acts in that session, and signs out", async () => {
    const admin = await open(tokens.ann);
    const ann = await admin.identify({ by: "token", token: new Secret(tokens.ann, "token") });
    const password = new Secret("correct horse battery", "password");
    await admin.people.addUser({ name: "pia", emails: [], roles: ["operator"] }, { password }, ann);
    const remote = await open(undefined);
    await expect(remote.identify({ by: "name", name: "pia" })).rejects.toMatchObject({
      code: "IDENTITY_REFUSED",
    });
    const wrong = remote.identify({
      by: "password",
      name: "pia",
      password: new Secret("wrong horse", "password"),
    });
    await expect(wrong).rejects.toMatchObject({ code: "IDENTITY_REFUSED" });
    const pia = await remote.identify({ by: "password", name: "pia", password });
    expect(pia).toMatchObject({ name: "pia", kind: "human", checked: { by: "password" } });
    const freeze = await remote.freeze({ reason: "sale", until: "1h" }, pia);
    expect(freeze.by).toBe("pia");
    expect(await remote.thaw(freeze, "over", pia)).toBe(true);
    expect(await remote.thaw(freeze, "over", pia).catch(({ code }) => code)).toBe("USAGE_INVALID");
    await remote.close();
    await expect(remote.freezes()).rejects.toMatchObject({ code: "IDENTITY_REFUSED" });
    await admin.close();
  });

  it("names what is wrong with the address, the token and the command", async () => {
    const says = async (line: CommandLine, ...argv: string[]): Promise<string> => {
      const { exitCode, stderr } = await line.run(...argv);
      expect(exitCode).not.toBe(0);
      return stderr;
    };
    expect(await says(away("", "http://deploys.example.com"), "status")).toContain("not encrypted");
    expect(await says(away("", `${server.url}/runs`), "status")).toContain(`TMINUS_URL=${server.url}`);
    expect(await says(away("tminus_00000000_0"), "status")).toContain("IDENTITY_REFUSED");
    expect(await says(away(""), "log")).toContain("IDENTITY_REFUSED");
    expect(await says(away(), "status", "--env", "productoin")).toContain('did you mean "production"?');
    expect(await says(away(), "db", "status", "--dir", "migrations")).toContain("without TMINUS_URL");
    expect(await says(away(), "audit", "verify")).toContain("without TMINUS_URL");
    expect(await says(away(), "server", "--port", "0")).toContain("without TMINUS_URL");
    writeFileSync(join(elsewhere, "other.yaml"), "");
    expect(await says(away(), "status", "--config", "other.yaml")).toContain("Leave one of them out");
  });

  it("sends the token to nobody else, and takes no other program for the server", async () => {
    const heard: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      heard.push(request.headers.authorization);
      response.end("<html>sign in here</html>");
    });
    await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
    const door = createServer((_request, response) => {
      const { port } = other.address() as AddressInfo;
      response.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end();
    });
    await new Promise<void>((done) => door.listen(0, "127.0.0.1", done));
    try {
      const { port } = door.address() as AddressInfo;
      const sent = await away(tokens.ann, `http://127.0.0.1:${port}`).run("status");
      expect([sent.exitCode, sent.stderr]).toEqual([1, expect.stringContaining("SERVER_SILENT")]);
      expect(heard).toEqual([]);
    } finally {
      door.close();
      other.close();
    }
  });
});
