import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makePlan } from "../../src/compose/make-plan.ts";
import { openProject } from "../../src/compose/project.ts";
import { run } from "../../src/lib/process.ts";
import type { Plan } from "../../src/model/plan.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tminus-plan-"));
  mkdirSync(join(directory, "v2"));
});
afterEach(() => rmSync(directory, { recursive: true }));

async function planOf(runbook: string, environment: Record<string, string>): Promise<Plan> {
  writeFileSync(
    join(directory, "tminus.yaml"),
    `version: 1
project: sample
environments:
  production:
    url: http://127.0.0.1:9
    target: { kind: local, port: 9, directory: "{release}", command: [node, app.mjs] }
    variables: { MODE: "env:MODE", TOKEN: "env:TOKEN" }
${runbook}`,
  );
  const project = await openProject({ directory, environment });
  const signal = new AbortController().signal;
  const request = {
    environment: "production",
    release: "v2",
    purpose: "deploy",
    signal,
    progress: () => undefined,
  } as const;
  const history = { runs: () => Promise.resolve([]), attempts: () => Promise.resolve([]) };
  return makePlan(project, environment, request, {
    against: [],
    overrides: [],
    history,
    hasUsers: async () => false,
  });
}

const STAGES = `stages:
  - id: go
    steps: [{ id: note, kind: command, with: { run: [echo, production, secret-token], repeatable: true } }]
`;

describe("makePlan", () => {
  it("keeps the settings of steps as written, also where a word is the value of a variable too", async () => {
    const plan = await planOf(STAGES, { PATH: process.env.PATH ?? "", MODE: "production", TOKEN: "another" });
    expect(plan.stages[0]?.steps[0]?.with.run).toEqual(["echo", "production", "secret-token"]);
  });

  it("keeps values of variables out of what gates say", async () => {
    const gates = `gates: [{ id: chatty, kind: command, with: { run: [node, -e, "console.log(process.env.TOKEN); process.exit(1)"] } }]\n`;
    const plan = await planOf(gates + STAGES, {
      PATH: process.env.PATH ?? "",
      MODE: "m",
      TOKEN: "hunter2-hunter2",
    });
    expect(plan.blocked.map(({ where }) => where)).toContain("gate chatty");
    expect(JSON.stringify(plan)).not.toContain("hunter2");
  });

  it("keeps the end of what the command of a gate printed, passed or not", async () => {
    const gate = (id: string, code: number): string =>
      `{ id: ${id}, kind: command, with: { run: [sh, -c, "seq 1 60; echo $TOKEN; exit ${code}"], env: { TOKEN: "env:TOKEN" } } }`;
    const plan = await planOf(`gates: [${gate("good", 0)}, ${gate("bad", 1)}]\n${STAGES}`, {
      PATH: process.env.PATH ?? "",
      MODE: "m",
      TOKEN: "hunter2-hunter2",
    });
    const end = [...Array.from({ length: 49 }, (_, index) => String(index + 12)), "***"];
    expect(plan.gates).toMatchObject([
      { id: "good", verdict: "pass", evidence: { exitCode: 0, lastLines: end } },
      { id: "bad", verdict: "fail", evidence: { exitCode: 1, lastLines: end } },
    ]);
  });

  it("asks for the token of the code's place only when a gate needs it, and is undecided without it", async () => {
    const scm = 'scm: { kind: github, repository: acme/shop, token: "env:GITHUB_TOKEN" }\n';
    const environment = { PATH: process.env.PATH ?? "", MODE: "m", TOKEN: "t" };
    expect((await planOf(scm + STAGES, environment)).gates).toEqual([]);
    await run(["git", "init", "-q"], { cwd: directory, timeoutMs: 20_000 });
    const plan = await planOf(`${scm}gates: [{ id: ci, kind: ci.checks }]\n${STAGES}`, environment);
    expect(plan.gates).toMatchObject([
      { id: "ci", verdict: "unknown", reason: expect.stringContaining("env:GITHUB_TOKEN") as unknown },
    ]);
    const other = await planOf(scm.replace("acme", "other") + STAGES, environment);
    expect(other.inputs.map(({ name }) => name)).toContain("scm settings");
  });

  it("gives what gates run no token of the person who plans", async () => {
    const gates = `gates: [{ id: thief, kind: command, with: { run: [node, -e, "process.exit(process.env.TMINUS_TOKEN ? 0 : 1)"] } }]\n`;
    const environment = { PATH: process.env.PATH ?? "", MODE: "m", TOKEN: "t", TMINUS_TOKEN: "tminus_x_y" };
    expect((await planOf(gates + STAGES, environment)).gates[0]?.verdict).toBe("fail");
  });

  it("says which share of the traffic each step leaves to the release, and which release has all of it at the end", async () => {
    const steps = (last: number): string => `stages:
  - id: go
    steps:
      - { id: deploy, kind: app.deploy }
      - { id: shift, kind: app.shift, with: { percent: ${last} } }
`;
    const environment = { PATH: process.env.PATH ?? "", MODE: "m", TOKEN: "t" };
    const plan = await planOf(steps(100), environment);
    expect(plan.endRelease).toBe("v2");
    expect(plan.stages[0]?.steps.map(({ trafficPercent }) => trafficPercent)).toEqual([undefined, 100]);
    // Nothing was ever deployed: the first release gets everything.
    expect((await planOf(steps(10), environment)).stages[0]?.steps[1]?.trafficPercent).toBe(100);
  });

  it("gives the same hash for the same world twice, and another when the runbook changed", async () => {
    const environment = { PATH: process.env.PATH ?? "", MODE: "m", TOKEN: "t" };
    const [one, two] = [await planOf(STAGES, environment), await planOf(STAGES, environment)];
    expect(two.hash).toBe(one.hash);
    const changed = await planOf(STAGES.replace("echo", "printf"), environment);
    expect(changed.hash).not.toBe(one.hash);
    expect(readFileSync(join(directory, "tminus.yaml"), "utf8")).toContain("printf");
  });
});
