import { afterEach, expect, it } from "vitest";
import { effectStep, stage } from "../support/effect-steps.ts";
import { CommandLine } from "../support/command-line.ts";
import { ReleaseProject } from "../support/release-project.ts";
import { rawRequest } from "./support/raw-request.ts";

let project: ReleaseProject;
afterEach(() => project.close(), 60_000);

const ROOM = { timeout: 120_000 };

it("tells a supervisor of a worker of its own whether it is well, and nothing else", ROOM, async () => {
  project = await ReleaseProject.create({ stages: stage("go", effectStep("a")) });
  const line = new CommandLine(project.directory, project.environment());
  const worker = line.start("server", "--role", "worker", "--health-port", "0");
  const [, url] = await worker.until(/health at (http:\S+)\/healthz/);
  const ask = (path: string) => rawRequest(url!, { path });
  expect(await ask("/healthz")).toMatchObject({ status: 200, text: "alive\n" });
  expect(await ask("/readyz")).toMatchObject({ status: 200, text: "ready\n" });
  for (const path of ["/", "/api/session", "/metrics"]) expect((await ask(path)).status).toBe(404);
  worker.kill("SIGTERM");
  expect((await worker.within(30_000)).exitCode).toBe(0);
});

it("has no health of its own beside the API", ROOM, async () => {
  project = await ReleaseProject.create({ stages: stage("go", effectStep("a")) });
  const line = new CommandLine(project.directory, project.environment());
  const { exitCode, stderr } = await line.run("server", "--health-port", "0");
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining("--health-port is for --role worker")]);
});
