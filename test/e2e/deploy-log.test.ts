import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CommandLine } from "../support/command-line.ts";
import { compileCache } from "../support/compile-cache.ts";
import { freshState, type TestState } from "../support/state.ts";
import { WatchEngine } from "../support/watch-engine.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;
const KILOBYTE = 1024;

let state: TestState;
let scene: WatchEngine;
let folder: string;
let tminus: CommandLine;

/** A day's watch through the real engine: v2 is healthy, its source is away for a while, and then v2 turns bad. */
beforeAll(async () => {
  state = await freshState();
  scene = await WatchEngine.open({
    state,
    environment: "production",
    settings: {
      stages: [
        { name: "first-minutes", until: "5m", every: "15s" },
        { name: "half-hour", until: "30m", every: "1m" },
        { name: "two-hours", until: "2h", every: "1m" },
        { name: "day", until: "24h", every: "5m" },
      ],
      rules: ["errors: when error_rate > 1% -> rollback"],
      shadow: ["strict: when error_rate > 0.3% for 10m strictly -> rollback"],
    },
    bad: {
      v1: [[-DAY, 0.002]],
      v2: [
        [-DAY, 0.002],
        [5 * HOUR, 0.05],
      ],
    },
    at: [
      [2.5 * HOUR, ({ prometheus }) => prometheus.behave("broken")],
      [3 * HOUR, ({ prometheus }) => prometheus.behave("none")],
    ],
  });
  expect(await scene.execute()).toMatchObject({ outcome: "rolled-back" });
  folder = mkdtempSync(join(tmpdir(), "tminus-log-"));
  writeFileSync(
    join(folder, "tminus.yaml"),
    `version: 1
project: ${scene.world.project}
environments:
  production:
    url: ${scene.world.url}
    target: { kind: local, port: 4080, directory: "releases/{release}", command: [node, server.mjs] }
stages:
  - { id: main, risk: low, steps: [{ id: deploy, kind: app.deploy }] }
`,
  );
  tminus = new CommandLine(folder, {
    PATH: process.env.PATH ?? "",
    HOME: folder,
    ...compileCache(),
    TMINUS_DATABASE_URL: state.url,
    TMINUS_START_WORKER: "0",
  });
}, 120_000);

afterAll(async () => {
  await tminus.close();
  await scene.close();
  await state.drop();
  rmSync(folder, { recursive: true, force: true });
});

describe("the deploy log of a run that was watched", { timeout: 120_000 }, () => {
  it("is written with a chart of each rule beside it, by the evidence of the run", async () => {
    const { id } = await scene.run();
    const { exitCode, value, stderr } = await tminus.json<{
      files: { file: string; kind: string; rule?: string }[];
    }>("show", "-o", "deploys/");
    expect(exitCode, stderr).toBe(0);
    expect(value.files.map(({ kind, rule, file }) => [kind, rule, file])).toEqual([
      ["log", undefined, `deploys/${id}.md`],
      ["chart", "errors", `deploys/${id}-watch-errors.svg`],
      ["chart", "strict", `deploys/${id}-watch-strict.svg`],
    ]);
    const log = readFileSync(join(folder, value.files[0]!.file), "utf8");
    expect(log).toMatch(/- \*\*failed at 15:\d\d:\d\dZ: error\\_rate \\> 1%: /);
    expect(log).toMatch(/- \*\*would have rolled back at 15:\d\d:\d\dZ: /);
    expect(log).toMatch(/- before → during the watch: not measured → 0\.\d+ % \(\d+ of 1\d\d,\d{3}\)/);
    expect(log).toContain(`](${id}-watch-errors.svg)`);
    for (const { file, rule } of value.files.slice(1)) {
      const svg = readFileSync(join(folder, file), "utf8");
      expect(statSync(join(folder, file)).size).toBeLessThan(60 * KILOBYTE);
      expect(svg).toContain(`<title id="title">${rule} of step watch: `);
      expect(svg).toMatch(/The watch was blind from 2026-01-05T12:\d\d:\d\dZ to 2026-01-05T13:0\d:\d\dZ\./);
      expect(svg).toMatch(/>(would have )?rolled back 15:\d\d:\d\d</);
    }
  });

  it("writes the same bytes again, and the chart of one rule alone", async () => {
    const files = ["again.md", "again-watch-errors.svg"].map((file) => join(folder, file));
    expect((await tminus.run("show", "-o", "again.md")).exitCode).toBe(0);
    const before = files.map((file) => readFileSync(file, "utf8"));
    expect((await tminus.run("show", "-o", "again.md")).exitCode).toBe(0);
    expect(files.map((file) => readFileSync(file, "utf8"))).toEqual(before);
    expect(await tminus.run("show", "--rule", "errors", "-o", "errors.svg")).toMatchObject({
      exitCode: 0,
      stdout: "written: errors.svg\n",
    });
    expect(readFileSync(join(folder, "errors.svg"), "utf8")).toBe(before[1]);
  });
});
