import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makePlan } from "../../src/compose/make-plan.ts";
import { openProject } from "../../src/compose/project.ts";
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
  return makePlan(project, environment, request);
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

  it("gives the same hash for the same world twice, and another when the runbook changed", async () => {
    const environment = { PATH: process.env.PATH ?? "", MODE: "m", TOKEN: "t" };
    const [one, two] = [await planOf(STAGES, environment), await planOf(STAGES, environment)];
    expect(two.hash).toBe(one.hash);
    const changed = await planOf(STAGES.replace("echo", "printf"), environment);
    expect(changed.hash).not.toBe(one.hash);
    expect(readFileSync(join(directory, "tminus.yaml"), "utf8")).toContain("printf");
  });
});
