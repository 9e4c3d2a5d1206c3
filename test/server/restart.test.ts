import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../src/providers/local/free-port.ts";
import type { EventResource } from "../../src/server/contract/run.ts";
import { effectStep, questionStep, stage } from "../support/effect-steps.ts";
import { eventually } from "../support/processes.ts";
import { ReleaseProject } from "../support/release-project.ts";
import { ApiClient } from "./support/api-client.ts";
import { followEvents } from "./support/event-stream.ts";
import { startServer } from "./support/running-server.ts";

let project: ReleaseProject;
let client: ApiClient;
let port: number;

const start = () => startServer(project, ["--port", String(port)]);

beforeAll(async () => {
  const steps = effectStep("a", "a-@run") + questionStep("sure") + effectStep("b", "b-@run");
  project = await ReleaseProject.create({ stages: stage("go", steps) });
  port = await freePort("127.0.0.1", `${project.directory}/server`);
  const tminus = await project.open();
  const user = { name: "ann", emails: [], roles: ["operator" as const] };
  const { token } = await tminus.people.addUser(
    user,
    { token: true },
    await tminus.identify({ by: "name", name: "ann" }),
  );
  client = new ApiClient(`http://127.0.0.1:${port}`, token!.secret.reveal());
  await tminus.close();
}, 60_000);
afterAll(async () => project.close());

describe("a server that was killed in the middle of a run", () => {
  it("goes on with it, and whoever followed has every event once", { timeout: 120_000 }, async () => {
    const first = await start();
    const { body: made } = await client.post("/api/plans", { environment: "production", release: "v1" });
    const { body: run } = await client.post("/api/runs", { plan: made.plan });
    const before = await followEvents(client);
    const stateOf = async (): Promise<string> => (await client.get(`/api/runs/${run.id}`)).body.state;
    await eventually("it waits", async () => (await stateOf()) === "waiting");
    first.command.kill("SIGKILL");
    await eventually("the stream ends", () => before.isOver());

    const second = await start();
    // The same server for whoever comes back: after the last event that they had.
    const after = await followEvents(client, before.ids().at(-1) ?? 0);
    const attest = { kind: "attest", stepId: "sure", item: "sure", note: "" };
    expect((await client.post(`/api/runs/${run.id}/signals`, attest)).status).toBe(202);
    await eventually("it ends", async () => (await stateOf()) === "ended", 60_000);
    const { events } = (await client.get<{ events: EventResource[] }>(`/api/runs/${run.id}/events`)).body;
    await eventually("all is heard of", () => after.events().at(-1)?.sequence === events.at(-1)?.sequence);

    const had = new Map<number, EventResource>();
    for (const event of [...before.events(), ...after.events()]) {
      const known = had.get(event.sequence);
      if (known !== undefined) expect(event).toEqual(known);
      had.set(event.sequence, event);
    }
    expect([...had.keys()].toSorted((a, b) => a - b)).toEqual(events.map(({ sequence }) => sequence));
    expect(project.effectLines().filter((line) => line.startsWith("did"))).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ type: "run.ended", data: { outcome: "succeeded" } });
    after.end();
    expect(await second.stop()).toBe(0);
  });
});
