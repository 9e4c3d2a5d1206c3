import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { uncheckedActor } from "../../src/model/actor.ts";
import type { Tminus } from "../../src/model/tminus.ts";
import { targetKinds } from "../../src/providers/targets.ts";
import { RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { ReleaseProject } from "../support/release-project.ts";

const STEPS = `      - { id: migrate, kind: db.migrate, with: { directory: "releases/{release}/migrations" } }
      - { id: verify, kind: db.verify, with: { directory: "releases/{release}/migrations", expected: files } }
${RELEASE_STEPS}`;
const SIGNED = `      - { id: signed, kind: sign-off, with: { evidence: [verify], stable: 15s, every: 500ms } }\n`;

let project: ReleaseProject;
let tminus: Tminus;
beforeAll(async () => {
  project = await ReleaseProject.create({ stages: stage("go", STEPS) });
  tminus = await project.open();
  await project.startWorker();
}, 60_000);
afterAll(async () => {
  await tminus.close();
  await project.close();
});

async function ended(id: string): Promise<string | undefined> {
  for await (const event of tminus.follow(id, 0, AbortSignal.timeout(60_000)))
    if (event.type === "run.ended") break;
  return (await tminus.findRun(id)).outcome;
}

/** As somebody would who goes past tminus. */
async function makeLive(release: string): Promise<void> {
  const opened = targetKinds.local!.open({
    environment: "production",
    config: {
      kind: "local",
      port: project.port,
      directory: "releases/{release}",
      command: ["node", resolve(import.meta.dirname, "../fixtures/apps/released.mjs")],
    },
    stateDirectory: join(project.directory, ".tminus/targets/production"),
    projectDirectory: project.directory,
    clock: systemClock,
    redact: (text) => text,
    variables: () => ({ EFFECTS: project.effects }),
  });
  const fence = { environment: "production", token: 1_000_000 };
  await opened.target.shift([{ release, percent: 100 }], fence, AbortSignal.timeout(10_000));
  await opened.close();
}

const question = async (id: string): Promise<string> => {
  const { waitingFor } = await tminus.findRun(id);
  return waitingFor?.for === "decision" ? waitingFor.text : "";
};

it("does not sign off what somebody changed behind the run's back, traffic or schema, until it is as it was", async () => {
  const first = await project.start(tminus, "v1");
  expect(await ended(first), project.workerLog()).toBe("succeeded");
  project.useStages(stage("go", STEPS + SIGNED));
  await tminus.close();
  tminus = await project.open();
  const id = await project.start(tminus, "v2");
  const patience = { timeout: 25_000, interval: 50 };
  await expect
    .poll(async () => {
      const { waitingFor, outcome, verdict } = await tminus.findRun(id);
      return waitingFor?.text ?? `${outcome ?? "under way"}: ${verdict?.reason ?? ""}`;
    }, patience)
    .toMatch(/^stable for 15s; verified at \d\d:\d\d UTC$/);

  await makeLive("v1");
  await expect
    .poll(() => question(id), patience)
    .toContain("the end state differs: traffic is v1 100 %, and was v2 100 %");
  await project.query("create table by_hand (id int)");
  await makeLive("v2");
  await tminus.send(
    id,
    { kind: "resolve", stepId: "signed", as: "retry", note: "put back" },
    uncheckedActor("ann"),
  );
  await expect
    .poll(() => question(id), patience)
    .toContain("the end state differs: verify: the schema is no longer as it was verified;");
  await project.query("drop table by_hand");
  await tminus.send(
    id,
    { kind: "resolve", stepId: "signed", as: "retry", note: "dropped" },
    uncheckedActor("ann"),
  );
  expect(await ended(id), project.workerLog()).toBe("succeeded");
  const signed = (await tminus.attempts(id)).filter(({ stepId }) => stepId === "signed").at(-1);
  expect(signed).toMatchObject({ state: "done", result: { verdict: "pass" } });
}, 180_000);
