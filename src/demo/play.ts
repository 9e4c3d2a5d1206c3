import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseDocument } from "yaml";
import { TminusError, hasCode } from "../errors.ts";
import { every, systemClock } from "../lib/clock.ts";
import { isAlive, spawnDetached } from "../lib/process.ts";
import { programFile } from "../lib/program-file.ts";
import { openTminus, shutDownProject } from "../compose.ts";
import { uncheckedActor } from "../model/actor.ts";
import type { Plan } from "../model/plan.ts";
import { stepsOf } from "../model/plan-steps.ts";
import type { Run } from "../model/run.ts";
import type { Tminus } from "../model/tminus.ts";
import { openCluster } from "../store/embedded/open-cluster.ts";
import { removeCluster } from "../store/embedded/remove-cluster.ts";
import type { LoadReport } from "../testing/load-generator.ts";
import { freePort } from "./free-port.ts";
import { endConsole, keepConsole, planConsole, urlOf } from "./console.ts";
import { endPrometheus, ensurePrometheus, planPrometheus, playOutage, prometheusSignals } from "./outage.ts";
import { reportRelease, tallyOf, type ReleaseReport } from "./report.ts";
import { demoFiles, readStory, writeStory, type Chapter, type DemoFiles, type Story } from "./story.ts";

const RELEASES = ["v1", "v2", "v3", "v4"];
/** A good release whose errors are watched through a Prometheus that dies; only where that is installed. */
const BLIND = "v5";
const REQUESTS_PER_SECOND = 30;
const ENVIRONMENT = "production";
const ACTOR = uncheckedActor("demo");
/** Nobody sits at the demo: what a person would be asked is answered after this long. */
const DECIDE_AFTER_MS = 3_000;
/** So often the answer is to look again, as after everything was killed; then it is on the safe side. */
const RETRIES = 2;
const LOAD_SETTLES_MS = 600;
const LOAD_ENDS_MS = 15_000;

export interface DemoOptions {
  /** Where everything of the demo is kept. */
  home: string;
  environment: Record<string, string | undefined>;
  /** Leave the application, its database and the state running. */
  keep: boolean;
  signal: AbortSignal;
  say(line: string): void;
  /** Told where the console is. */
  show(url: string): void;
  /** Before everything is ended and removed. */
  beforeEnd(): Promise<void>;
  /** Shows a run until it ends. */
  follow(tminus: Tminus, run: Run): Promise<void>;
}

/**
 * Plays v1 → v2 → v3 → v4 of the shop under load: a good release, one that fails 8 % of its orders, and one whose
 * answers take two seconds; where Prometheus is installed also v5, whose watch loses sight for a while. Called again
 * after it was killed, it goes on with the same story; after the story's end it starts a new one.
 */
export async function playDemo(options: DemoOptions): Promise<ReleaseReport[]> {
  const files = demoFiles(options.home);
  const story = await openStory(files, options);
  const cluster = await openCluster({ directory: files.shopPostgres, clock: systemClock, log: options.say });
  const environment = {
    ...options.environment,
    // The demo has a state of its own, whatever else is set.
    TMINUS_HOME: undefined,
    TMINUS_DATABASE_URL: undefined,
    TMINUS_URL: undefined,
    TMINUS_TOKEN: undefined,
    SHOP_DATABASE_URL: await cluster.ensureDatabase("shop"),
  };
  const stopTouching = every(1_000, () => writeFileSync(files.loadAlive, ""));
  let leaveConsole = async (): Promise<void> => undefined;
  try {
    leaveConsole = await openConsole(story, files, environment, options);
    for (const release of RELEASES) await playChapter(release, story, files, { ...options, environment });
    if (story.prometheus === undefined)
      options.say(`left out for want of prometheus: ${BLIND}, whose watch loses sight for a while`);
    else await playChapter(BLIND, story, files, { ...options, environment });
    if (!options.keep) await options.beforeEnd();
  } finally {
    stopTouching();
    await leaveConsole();
  }
  story.finished = true;
  writeStory(files, story);
  if (!options.keep) await closeDown(files, environment, story);
  return story.chapters.map(({ report }) => report!);
}

/** The server needs the runbook to be there, and is the only worker. See keepConsole. */
async function openConsole(
  story: Story,
  files: DemoFiles,
  environment: DemoOptions["environment"],
  { say, show }: DemoOptions,
): Promise<() => Promise<void>> {
  if (story.console === undefined) {
    say("left out for want of the console (npm run web builds it): watching in the browser");
    return async () => undefined;
  }
  writeRunbook(story, files, story.chapters.at(-1)?.release === BLIND);
  const tminus = await openTminus({ directory: files.project, environment, log: say });
  try {
    const leave = await keepConsole(tminus, story, files, { environment, say });
    show(urlOf(story.console));
    return leave;
  } finally {
    await tminus.close();
  }
}

async function openStory(files: DemoFiles, { environment, say }: DemoOptions): Promise<Story> {
  const earlier = readStory(files);
  if (earlier?.finished === true) await closeDown(files, environment, earlier);
  const isResumed = earlier?.finished === false;
  if (isResumed) say(`going on with the demo in ${files.home}`);
  const story: Story = isResumed ? earlier : await newStory();
  writeStory(files, story);
  return story;
}

async function newStory(): Promise<Story> {
  const [prometheus, planned] = [await planPrometheus(), await planConsole()];
  return {
    port: await freePort(),
    ...(planned === undefined ? {} : { console: planned }),
    ...(prometheus === undefined ? {} : { prometheus }),
    chapters: [],
    finished: false,
  };
}

async function playChapter(
  release: string,
  story: Story,
  files: DemoFiles,
  options: DemoOptions,
): Promise<void> {
  let chapter = story.chapters.find((item) => item.release === release);
  if (chapter?.report !== undefined) return;
  if (chapter === undefined) {
    chapter = { release, before: tallyOf(readLoad(files)) };
    story.chapters.push(chapter);
    writeStory(files, story);
  }
  const { environment, say, signal } = options;
  const isBlind = release === BLIND;
  writeRunbook(story, files, isBlind);
  const work = story.console === undefined ? {} : { TMINUS_START_WORKER: "0" };
  const tminus = await openTminus({
    directory: files.project,
    environment: { ...environment, ...work },
    log: say,
  });
  try {
    await ensureLoad(story, files);
    await ensurePrometheus(story, files);
    const run = await ensureRun(chapter, story, tminus, files, options);
    const outage = await followRun(tminus, run, options, (ended) =>
      isBlind ? playOutage(tminus, run.id, story, files, { say, signal: ended }) : undefined,
    );
    await systemClock.sleep(LOAD_SETTLES_MS, signal);
    const ended = { run: await tminus.findRun(run.id), attempts: await tminus.attempts(run.id) };
    const report = reportRelease(release, ended, chapter.before, readLoad(files));
    chapter.report = outage === undefined ? report : { ...report, outage };
  } finally {
    await tminus.close();
  }
  writeStory(files, story);
  const { outcome } = chapter.report;
  if (outcome !== expectedOutcome(release))
    say(
      `${release} was expected to end ${expectedOutcome(release)}, and ended ${outcome}; a busy machine can make it so`,
    );
}

/** Until the run's end; what nobody else decides is decided, and what `beside` does is waited for. */
async function followRun<Seen>(
  tminus: Tminus,
  run: Run,
  { follow, say }: DemoOptions,
  beside: (ended: AbortSignal) => Promise<Seen | undefined> | undefined,
): Promise<Seen | undefined> {
  const ended = new AbortController();
  const decisions = decideWhenAsked(tminus, run.id, ended.signal, say);
  const seen = beside(ended.signal);
  try {
    await follow(tminus, run);
  } finally {
    ended.abort(new Error("the run has ended"));
    await decisions;
  }
  return await seen;
}

/** How the story goes when the machine keeps up with it. */
export function expectedOutcome(release: string): string {
  return release === "v3" || release === "v4" ? "rolled_back" : "succeeded";
}

/** The chapter's run; found again when the demo was killed between starting it and writing that down. */
async function ensureRun(
  chapter: Chapter,
  story: Story,
  tminus: Tminus,
  files: DemoFiles,
  { say, signal }: DemoOptions,
): Promise<Run> {
  const known = new Set(story.chapters.map(({ runId }) => runId));
  const runs = await tminus.runs({ limit: 20 });
  const found = runs.find(
    ({ id, plan }) => id === chapter.runId || (plan.release === chapter.release && !known.has(id)),
  );
  if (found !== undefined) {
    chapter.runId = found.id;
    await tminus.ensureWorker();
    return found;
  }
  const lock = await tminus.lock(ENVIRONMENT);
  if (lock !== undefined) {
    say(`${ENVIRONMENT} is locked: ${lock.reason}; the demo unlocks it`);
    await tminus.unlock(lock, `${chapter.release} is another release`, ACTOR);
  }
  say(`planning ${chapter.release}`);
  const plan = await tminus.plan({
    environment: ENVIRONMENT,
    release: chapter.release,
    purpose: "deploy",
    signal,
    progress: () => undefined,
  });
  for (const line of forecastOf(plan)) say(line);
  const run = await tminus.start(plan, ACTOR);
  chapter.runId = run.id;
  writeStory(files, story);
  return run;
}

/** What the plan promises of every rule: so soon it sees so much, and so seldom it is wrong. */
function forecastOf(plan: Plan): string[] {
  const watches = stepsOf(plan).filter(({ kind }) => kind === "watch");
  return watches.flatMap(({ id, summary }) => summary.map((line) => `  ${id}: ${line}`));
}

/** Answers a question that nobody else answers, so that the demo ends by itself. */
async function decideWhenAsked(
  tminus: Tminus,
  runId: string,
  ended: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  let askedAt: number | undefined;
  let retries = 0;
  while (!ended.aborted) {
    await systemClock.sleep(500, ended).catch(() => undefined);
    const { waitingFor } = await tminus.findRun(runId);
    if (waitingFor?.for !== "decision" || waitingFor.stepId === undefined) {
      askedAt = undefined;
      continue;
    }
    askedAt ??= systemClock.monotonicMs();
    if (systemClock.monotonicMs() - askedAt < DECIDE_AFTER_MS) continue;
    // What a watch could not see is not made up for by going on: it watches again.
    const isExtended =
      waitingFor.answers?.includes("extend") === true && !/: seen for /.test(waitingFor.text);
    const again = isExtended ? "extend" : "retry";
    const as = retries++ < RETRIES ? again : "failed";
    say(`nobody decided within ${DECIDE_AFTER_MS / 1000} s; the demo says ${as}`);
    const note = "nobody decided";
    const answer = tminus.send(runId, { kind: "resolve", stepId: waitingFor.stepId, as, note }, ACTOR);
    await answer.catch((error: unknown) => {
      if (!hasCode(error, "RUN_ENDED", "RUN_NOT_WAITING")) throw error; // it was decided in this moment
    });
    askedAt = undefined;
  }
}

async function ensureLoad(story: Story, files: DemoFiles): Promise<void> {
  if (story.load !== undefined && isAlive(story.load)) return;
  rmSync(files.loadStop, { force: true });
  writeFileSync(files.loadAlive, "");
  const program = programFile("./load-process", import.meta.url);
  const options = {
    url: `http://127.0.0.1:${story.port}`,
    rate: String(REQUESTS_PER_SECOND),
    report: files.loadReport,
    stop: files.loadStop,
    alive: files.loadAlive,
  };
  const argv = [
    process.execPath,
    program,
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
  ];
  story.load = await spawnDetached(argv, { env: { PATH: process.env.PATH ?? "" }, logFile: files.loadLog });
  writeStory(files, story);
}

function readLoad(files: DemoFiles): LoadReport | undefined {
  if (!existsSync(files.loadReport)) return undefined;
  return JSON.parse(readFileSync(files.loadReport, "utf8")) as LoadReport;
}

/** Stops everything that the demo started and removes its files. */
async function closeDown(
  files: DemoFiles,
  environment: DemoOptions["environment"],
  story: Story,
): Promise<void> {
  writeFileSync(files.loadStop, "");
  const giveUpAt = systemClock.monotonicMs() + LOAD_ENDS_MS;
  while (story.load !== undefined && isAlive(story.load) && systemClock.monotonicMs() < giveUpAt)
    await systemClock.sleep(50);
  await endConsole(story);
  // The shop's database may be gone already; to stop things its address is not needed.
  await shutDownProject({
    directory: files.project,
    environment: { SHOP_DATABASE_URL: "unused", ...environment, TMINUS_HOME: undefined },
  });
  await endPrometheus(story);
  await removeCluster(files.shopPostgres);
  rmSync(files.home, { recursive: true, force: true });
}

function writeRunbook(story: Story, files: DemoFiles, asksPrometheus: boolean): void {
  mkdirSync(files.project, { recursive: true });
  writeFileSync(join(files.project, "tminus.yaml"), projectRunbook(story, asksPrometheus));
}

/** The shop's own runbook, with the demo's ports and with absolute paths to the releases. */
function projectRunbook({ port, prometheus }: Story, asksPrometheus: boolean): string {
  const shop = fileURLToPath(new URL("../../examples/shop", import.meta.url));
  const source = join(shop, "tminus.yaml");
  if (!existsSync(source))
    throw new TminusError("RUNBOOK_MISSING", `the example application is not at ${dirname(source)}`);
  const document = parseDocument(readFileSync(source, "utf8"));
  const environment = ["environments", ENVIRONMENT];
  document.setIn([...environment, "url"], `http://127.0.0.1:${port}`);
  document.setIn([...environment, "target", "port"], port);
  document.setIn([...environment, "target", "directory"], join(shop, "releases", "{release}"));
  document.setIn([...environment, "target", "shared"], [join(shop, "app")]);
  document.setIn(
    ["stages", 0, "steps", 0, "with", "directory"],
    join(shop, "releases", "{release}", "migrations"),
  );
  if (prometheus !== undefined) {
    document.setIn([...environment, "target", "metricsPort"], prometheus.metricsPort);
    if (asksPrometheus) {
      const rule = "errors: when error_rate from prom > 2% -> rollback";
      document.setIn([...environment, "signals"], { prom: prometheusSignals(prometheus) });
      document.setIn(["stages", 1, "steps", 3, "with", "rules", 0], rule);
      document.deleteIn(["stages", 2, "steps", 1]); // the second watch would show the same once more
    }
  }
  return document.toString();
}
