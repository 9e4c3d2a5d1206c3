import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../lib/clock.ts";
import { request } from "../lib/http.ts";
import { isAlive, run, sendSignal, spawnDetached, terminate } from "../lib/process.ts";
import type { Tminus } from "../model/tminus.ts";
import type { WatchReport } from "../model/watch-report.ts";
import { freePort } from "./free-port.ts";
import { writeStory, type DemoFiles, type Prometheus, type Story } from "./story.ts";

/** What came of a watch whose source was dead for a while. */
export interface Outage {
  deadMs: number;
  /** Whether the watch neither rolled back nor let the release go on in that time. */
  held: boolean;
}

const PATH = process.env.PATH ?? "";
const WATCH = "watch-canary";
/** Long enough for several looks at nothing. */
const DEAD_MS = 12_000;
const POLL_MS = 500;
const READY_MS = 30_000;
const ENDS_MS = 10_000;

/** Ports for a Prometheus that reads the metrics of the shop's proxy; undefined where the program is not installed. */
export async function planPrometheus(): Promise<Prometheus | undefined> {
  const { exitCode } = await run(["prometheus", "--version"], { env: { PATH }, timeoutMs: 10_000 });
  if (exitCode !== 0) return undefined;
  return { metricsPort: await freePort(), port: await freePort() };
}

/** How the runbook declares it, and asks it what the proxy knows as well. */
export function prometheusSignals({ port }: Prometheus): object {
  return {
    kind: "prometheus",
    url: `http://127.0.0.1:${port}`,
    lag: "3s",
    interval: "1s",
    queries: {
      error_rate: {
        bad: 'tminus_edge_errors_total{release="{release}"}',
        total: 'tminus_edge_requests_total{release="{release}"}',
      },
    },
  };
}

/** Starts it when it does not run, and waits until it answers. What it had stored is still there. */
export async function ensurePrometheus(story: Story, files: DemoFiles): Promise<void> {
  const { prometheus } = story;
  if (prometheus === undefined || (prometheus.process !== undefined && isAlive(prometheus.process))) return;
  const folder = join(files.home, "prometheus");
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "prometheus.yml"),
    `scrape_configs:
  - job_name: shop
    scrape_interval: 1s
    scrape_timeout: 1s
    static_configs: [{ targets: ["127.0.0.1:${prometheus.metricsPort}"] }]
`,
  );
  const argv = [
    "prometheus",
    `--config.file=${join(folder, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${prometheus.port}`,
  ];
  prometheus.process = await spawnDetached(argv, { env: { PATH }, logFile: join(folder, "log") });
  writeStory(files, story);
  const giveUpMs = systemClock.monotonicMs() + READY_MS;
  while (systemClock.monotonicMs() < giveUpMs) {
    const url = `http://127.0.0.1:${prometheus.port}/-/ready`;
    const answer = await request({ url, timeoutMs: 2_000 });
    if (answer.kind === "response" && answer.status === 200) return;
    await systemClock.sleep(100);
  }
  throw new Error(`Prometheus did not start; see ${join(folder, "log")}`);
}

export async function endPrometheus({ prometheus }: Story): Promise<void> {
  if (prometheus?.process !== undefined && isAlive(prometheus.process))
    await terminate(prometheus.process, ENDS_MS);
}

/**
 * Kills Prometheus when the run's watch has seen something by it, looks what the run makes of that, and starts it
 * again. Undefined when the watch was over before; ends at once when `signal` aborts.
 */
export async function playOutage(
  tminus: Tminus,
  runId: string,
  story: Story,
  files: DemoFiles,
  { say, signal }: { say(line: string): void; signal: AbortSignal },
): Promise<Outage | undefined> {
  const server = story.prometheus?.process;
  if (server === undefined) return undefined;
  const saw = (report: WatchReport): boolean =>
    report.rules.some(({ sources }) =>
      sources.some(({ name, series }) => name === "prom" && series.rows.some(({ count = 0 }) => count > 0)),
    );
  if (!(await untilReport(tminus, runId, saw, signal))) return undefined;
  const killedMs = systemClock.monotonicMs();
  sendSignal(server, "SIGKILL");
  say("the demo kills Prometheus in the middle of the watch");
  try {
    const isBlind = await untilReport(tminus, runId, ({ next }) => next?.blind !== undefined, signal);
    if (isBlind) say("the watch cannot see any more, and says so");
    const left = DEAD_MS - (systemClock.monotonicMs() - killedMs);
    if (left > 0) await systemClock.sleep(left, signal).catch(() => undefined); // the run has ended: that is looked at next
    const held = isBlind && (await stillWatches(tminus, runId));
    const deadMs = Math.round(systemClock.monotonicMs() - killedMs);
    say(
      held
        ? `Prometheus was dead for ${Math.round(deadMs / 1000)} s: nothing was rolled back, and nothing went on`
        : "the watch did not stay where it was while Prometheus was dead",
    );
    return { deadMs, held };
  } finally {
    await ensurePrometheus(story, files);
    say("Prometheus runs again");
  }
}

/** False when the run's watch is over, or `signal` aborts, before that is so. */
async function untilReport(
  tminus: Tminus,
  runId: string,
  isSo: (report: WatchReport) => boolean,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    const [step] = await tminus.watched(runId, WATCH);
    if (step?.report !== undefined) {
      if (isSo(step.report)) return true;
      if (step.report.next === undefined) return false;
    }
    await systemClock.sleep(POLL_MS, signal).catch(() => undefined); // the loop ends
  }
  return false;
}

async function stillWatches(tminus: Tminus, runId: string): Promise<boolean> {
  const run = await tminus.findRun(runId);
  const attempts = await tminus.attempts(runId);
  return run.verdict === undefined && attempts.at(-1)?.stepId === WATCH && attempts.at(-1)?.state === "begun";
}
