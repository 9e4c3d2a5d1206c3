import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { EdgeClient } from "../../src/providers/local/edge-client.ts";
import { createLayout } from "../../src/providers/local/layout.ts";
import type { LoadRequest } from "../../src/testing/load-client.ts";
import { startLoad } from "../../src/testing/load-generator.ts";
import { CommandLine, type StartedCommand } from "../support/command-line.ts";
import { stage } from "../support/effect-steps.ts";
import { eventually } from "../support/processes.ts";
import { ReleaseProject } from "../support/release-project.ts";

const ROOM = { timeout: 300_000 };
const LONGEST_MS = 180_000;
/** Few clients who stay and send steadily. More of them than half have come to a new release with half of the traffic. */
const REGULARS = 40;
const REGULARS_OF_RELEASE = 23;
/** Enough to pass also for a watch whose looks are three times as far apart. */
const REQUESTS_PER_SECOND = 160;
/** Others send once in half a minute, so that each is new to the first canary. */
const NEWCOMERS = 300;
const NEWCOMERS_PER_SECOND = 10;
const SPAN_MS = 10_000;

const DEPLOY = "      - { id: deploy, kind: app.deploy }\n";
const shift = (percent: number): string =>
  `      - { id: shift-${percent}, kind: app.shift, with: { percent: ${percent} } }\n`;
const watch = (rule: string): string =>
  `      - { id: watch, kind: watch, with: { duration: 24s, every: 500ms, burst: 1s, rules: [${JSON.stringify(rule)}] } }\n`;

const RULES = [
  {
    kind: "a fixed limit",
    steps: DEPLOY + shift(100) + watch("errors: when error_rate > 3% -> rollback"),
    decision: /errors: error_rate > 3%: .*evidence \d+ of \d+/,
    needsPast: false,
  },
  {
    kind: "the traffic before",
    steps:
      DEPLOY + shift(100) + watch("errors: when error_rate > baseline(before 1h) * 2 floor 3% -> rollback"),
    decision: /errors: error_rate > baseline\(before 1h\) \* 2 floor 3%: .*evidence \d+ of \d+/,
    needsPast: true,
  },
  {
    kind: "the release that runs beside it",
    steps: DEPLOY + shift(50) + watch("errors: when error_rate > control + 3pp -> rollback") + shift(100),
    decision: /errors: error_rate > control \+ 3pp: .*evidence \d+ of \d+/,
    needsPast: false,
  },
];

interface Finished {
  run?: { id: string; outcome: string };
}

/** All traffic of a project; stops with the returned function. */
function startTraffic({ port }: ReleaseProject): () => Promise<unknown> {
  const baseUrl = `http://127.0.0.1:${port}`;
  const order = { name: "order", method: "GET", path: "/orders" };
  let turn = 0;
  const regular = (): LoadRequest => {
    const client = turn++ % REGULARS;
    const bucket = client < REGULARS_OF_RELEASE ? client : 9_000 + client;
    return { ...order, headers: { cookie: `tminus-bucket=${bucket}` } };
  };
  const loads = [
    startLoad({
      baseUrl,
      requestsPerSecond: REQUESTS_PER_SECOND,
      connections: REGULARS,
      scenario: { next: regular },
    }),
    startLoad({
      baseUrl,
      requestsPerSecond: NEWCOMERS_PER_SECOND,
      connections: NEWCOMERS,
      scenario: { next: () => order },
    }),
  ];
  return () => Promise.all(loads.map((load) => load.stop()));
}

/** The proxy remembers whole spans of ten seconds. */
async function remembersTraffic({ directory }: ReleaseProject): Promise<void> {
  const target = join(directory, ".tminus", "targets", "production");
  const edge = new EdgeClient(createLayout(target, "production").sockets);
  await eventually("there is traffic to compare with", async () => {
    const { closedToMs: toMs } = (await edge.history("v1", undefined))!;
    const span = { fromMs: toMs - SPAN_MS, toMs, stepMs: SPAN_MS };
    const { points } = (await edge.history("v1", span))!;
    return points.some(({ requests }) => requests > (REQUESTS_PER_SECOND * SPAN_MS) / 2000);
  });
}

/**
 * Answers for a person where a machine is so slow that too few requests came for the watch to pass: that it goes on.
 * Any other question stays open, and the deploy with it.
 */
async function extendOnce(tminus: CommandLine, deploying: StartedCommand): Promise<void> {
  const asked = deploying.until(/more requests are needed\. .*tminus resume (\w+)/, LONGEST_MS);
  const run = await asked.then(
    ([, id = ""]) => id,
    () => undefined, // it ended without a question
  );
  if (run !== undefined) await tminus.run("resume", run, "--as", "extend");
}

describe.concurrent("a watch of real traffic through the proxy", ROOM, () => {
  it.for(RULES)(
    "lets a healthy release pass and takes one with 12.5 % of errors back, held against $kind",
    async ({ steps, decision, needsPast }, { expect }) => {
      const project = await ReleaseProject.create({
        stages: stage("go", DEPLOY + shift(100)),
        app: "failing.mjs",
        rollback: "{ cure: { window: 2s, minRequests: 10 } }",
      });
      for (const release of ["good", "bad"])
        mkdirSync(join(project.directory, "releases", release), { recursive: true });
      await project.startWorker();
      const environment = project.environment({ TMINUS_START_WORKER: "0", TMINUS_ACTOR: "mia" });
      const tminus = new CommandLine(project.directory, environment);
      const deploy = async (release: string): Promise<{ end: unknown[]; id: string; told: string }> => {
        const deploying = tminus.start("deploy", "--release", release, "--yes", "--json");
        const extending = extendOnce(tminus, deploying);
        const { exitCode, stdout, stderr } = await deploying.ended;
        await extending;
        const { run } = JSON.parse(stdout) as Finished;
        return { end: [exitCode, run?.outcome], id: run?.id ?? "", told: stderr };
      };
      try {
        expect((await deploy("v1")).end).toEqual([0, "succeeded"]);
        const stopTraffic = startTraffic(project);
        try {
          if (needsPast) await remembersTraffic(project);
          project.useStages(stage("go", steps));
          const good = await deploy("good");
          expect(good.end, good.told).toEqual([0, "succeeded"]);
          const bad = await deploy("bad");
          expect(bad.end, bad.told).toEqual([5, "rolled-back"]);
          const { stdout } = await tminus.run("show", bad.id);
          expect(stdout.replaceAll(/\s+/g, " ")).toMatch(decision);
        } finally {
          await stopTraffic();
        }
      } finally {
        await tminus.close();
        await project.close();
      }
    },
  );
});
