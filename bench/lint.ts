import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { systemClock } from "../src/lib/clock.ts";
import { run } from "../src/lib/process.ts";
import { lintFolder } from "../src/postgres/lint/lint-migrations.ts";
import { historyEntries } from "../test/support/histories.ts";
import type { Benchmark } from "./benchmark.ts";
import { lintCase, lintCases, type LintCase } from "./support/lint-corpus.ts";
import { buildPublishedForm } from "./support/published-form.ts";
import { median, rounded } from "./support/statistics.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const ROUNDS = 7;
const MIN_FILES = 500;
const TIMEOUT_MS = 60_000;
const squawk = resolve(import.meta.dirname, "../node_modules/@squawk-cli/linux-x64/bin/squawk");

/** What it says of nearly every statement, and what is a matter of taste: no answer to what is wrong with one. */
const GENERAL = /^(require-(lock|statement)-timeout|require-timeout-settings|prefer-.*|ban-char-field)$/;

/**
 * Time and answers of `tminus db lint` beside squawk, which is compiled: of whole processes ours pays for Node and its
 * modules as well, so that linting alone, in this process, is told apart.
 */
export const lint: Benchmark = {
  name: "lint",
  summary:
    "tminus db lint over squawk, whole processes, on more than 500 files; what each finds in a labelled corpus.",
  async run(say, signal) {
    await using cleanUp = new AsyncDisposableStack();
    const folder = await temporaryFolder(cleanUp);
    const cases = lintCases();
    const ours = await Promise.all(cases.map(async (each) => answerOf((await lintCase(each)).findings)));
    const hasSquawk = existsSync(squawk);
    const theirs = hasSquawk ? await askSquawk(cases, join(folder, "corpus"), signal) : undefined;
    if (!hasSquawk) say("squawk's program is not installed: only ours is measured");
    for (const line of recallTable(cases, ours, theirs)) say(line);
    const directory = join(folder, "migrations");
    const { files, paths } = await layOut(directory);
    say(`measuring ${files} files in ${ROUNDS} rounds, whole processes, the published form`);
    const program = await buildPublishedForm(folder, signal);
    const times = { ours: [] as number[], squawk: [] as number[], inProcess: [] as number[] };
    for (let round = -1; round < ROUNDS; round++) {
      const started = systemClock.monotonicMs();
      await lintFolder({ directory, format: "native" });
      const inProcessMs = systemClock.monotonicMs() - started;
      const lintArgv = ["db", "lint", "--dir", directory, "--history", "native", "--json"];
      const oursMs = await timeOf([process.execPath, program, ...lintArgv], 3, signal);
      const squawkMs = hasSquawk ? await timeOf([squawk, "--reporter", "json", ...paths], 1, signal) : NaN;
      if (round < 0) continue;
      times.ours.push(oursMs);
      times.squawk.push(squawkMs);
      times.inProcess.push(inProcessMs);
      say(
        `round ${round + 1}: tminus ${oursMs.toFixed(0)} ms (linting alone in this process ${inProcessMs.toFixed(0)} ms), squawk ${squawkMs.toFixed(0)} ms`,
      );
    }
    const found = scoreOf(cases, ours, isNamed);
    return {
      ratios: hasSquawk
        ? {
            overSquawk: rounded(median(times.ours) / median(times.squawk), 2),
            lintingAloneOverSquawk: rounded(median(times.inProcess) / median(times.squawk), 2),
          }
        : {},
      figures: {
        files,
        oursMs: rounded(median(times.ours), 0),
        lintingAloneMs: rounded(median(times.inProcess), 0),
        ...(hasSquawk ? { squawkMs: rounded(median(times.squawk), 0) } : {}),
        cases: cases.length,
        recallPercent: found.recallPercent,
        falsePositives: found.falsePositives,
        ...(theirs === undefined ? {} : squawkScore(cases, theirs)),
      },
    };
  },
};

/** What a linter says of one case. */
interface Answer {
  rules: ReadonlySet<string>;
  /** Whether there is more than a note. */
  isLoud: boolean;
}

type Find = (harms: readonly string[], answer: Answer) => boolean;

/** Ours must name a rule of the case; squawk, whose rules are other ones, must say anything to the point. */
const isNamed: Find = (harms, { rules }) => harms.some((harm) => rules.has(harm));
const isAnything: Find = (_, { rules }) => rules.size > 0;

function squawkScore(cases: readonly LintCase[], theirs: readonly Answer[]) {
  const { recallPercent, falsePositives } = scoreOf(cases, theirs, isAnything);
  return { squawkRecallPercent: recallPercent, squawkFalsePositives: falsePositives };
}

/** A false positive is any answer but a note to a case with nothing wrong. */
function scoreOf(cases: readonly LintCase[], answers: readonly Answer[], isFound: Find) {
  const pairs = cases.map(({ harms }, index) => ({ harms, answer: answers[index]! }));
  const harmful = pairs.filter(({ harms }) => harms.length > 0);
  const found = harmful.filter(({ harms, answer }) => isFound(harms, answer));
  return {
    recallPercent: rounded((100 * found.length) / harmful.length, 1),
    falsePositives: pairs.filter(({ harms, answer }) => harms.length === 0 && answer.isLoud).length,
  };
}

/** Per rule: cases, how many of them are found by the rule, and on how many squawk says anything to the point. */
function recallTable(
  cases: readonly LintCase[],
  ours: readonly Answer[],
  theirs: readonly Answer[] | undefined,
): string[] {
  const labelOf = ({ harms }: LintCase): string => harms[0] ?? "nothing is wrong";
  const countOf = (label: string, answers: readonly Answer[], isFound: Find): number =>
    cases.filter((each, index) => {
      const answer = answers[index]!;
      return (
        labelOf(each) === label && (each.harms.length === 0 ? answer.isLoud : isFound(each.harms, answer))
      );
    }).length;
  const rows = [...new Set(cases.map(labelOf))].toSorted().map((label) => {
    const columns = [
      cases.filter((each) => labelOf(each) === label).length,
      countOf(label, ours, isNamed),
      theirs === undefined ? "-" : countOf(label, theirs, isAnything),
    ];
    return `${label.padEnd(32)}${columns.map((column) => String(column).padStart(8)).join("")}`;
  });
  return [`${"found, by rule".padEnd(32)}   cases    ours  squawk`, ...rows];
}

function answerOf(findings: readonly { rule: string; severity: string }[]): Answer {
  return {
    rules: new Set(findings.map(({ rule }) => rule)),
    isLoud: findings.some(({ severity }) => severity !== "note"),
  };
}

async function askSquawk(cases: readonly LintCase[], folder: string, signal: AbortSignal): Promise<Answer[]> {
  await mkdir(folder);
  const answers: Answer[] = [];
  for (const { sql, transactional } of cases) {
    const file = join(folder, `${answers.length}.sql`);
    await writeFile(file, sql);
    const mode = transactional ? ["--assume-in-transaction"] : [];
    const argv = [squawk, "--reporter", "json", "--pg-version", "18", ...mode, file];
    const { output } = await run(argv, { timeoutMs: TIMEOUT_MS, signal });
    signal.throwIfAborted();
    const list = /^\[.*\]$/m.exec(output);
    if (list === null) throw new Error(`squawk's answer to ${file} is not understood: ${output}`);
    const names = (JSON.parse(list[0]) as { rule_name: string }[]).map((each) => each.rule_name);
    const rules = new Set(names.filter((name) => !GENERAL.test(name)));
    answers.push({ rules, isLoud: rules.size > 0 });
  }
  return answers;
}

/** The history of a product, again and again in schemas of its own. */
async function layOut(directory: string): Promise<{ files: number; paths: string[] }> {
  await mkdir(directory);
  const entries = historyEntries("native");
  const paths: string[] = [];
  for (let copy = 0; paths.length < MIN_FILES; copy++) {
    for (const { name, up } of entries) {
      const path = join(directory, `${20_240_101_000_000 + paths.length}_${name}.sql`);
      await writeFile(path, up.replaceAll("public.", `shop_${copy}.`));
      paths.push(path);
    }
  }
  return { files: paths.length, paths };
}

async function timeOf(argv: readonly string[], exitCode: number, signal: AbortSignal): Promise<number> {
  const result = await run([...argv], { timeoutMs: TIMEOUT_MS, signal });
  signal.throwIfAborted();
  if (result.exitCode !== exitCode)
    throw new Error(
      `${argv.slice(0, 4).join(" ")} exited with ${result.exitCode}: ${result.startError ?? result.output.slice(0, 500)}`,
    );
  return result.durationMs;
}
