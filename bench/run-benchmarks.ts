import { parseArgs } from "node:util";
import { deadline } from "../src/lib/clock.ts";
import { suggest } from "../src/lib/did-you-mean.ts";
import type { Benchmark, BenchmarkResult } from "./benchmark.ts";

/** A benchmark that takes longer, and does not say that it may, is broken off: something hangs. */
const LIMIT_MS = 180_000;

export interface BenchmarkHost {
  out(text: string): void;
  err(text: string): void;
  /** Breaks the benchmark off; it still cleans up. */
  signal: AbortSignal;
}

/**
 * Runs the benchmark that the command line names and returns the exit code: 0; 1 when it failed; 2 for a
 * wrong command line. With --json stdout gets one line, the result, and nothing else.
 */
export async function runBenchmarks(
  argv: readonly string[],
  benchmarks: readonly Benchmark[],
  host: BenchmarkHost,
): Promise<number> {
  const asked = readArguments(argv);
  if ("problem" in asked) {
    host.err(`${asked.problem}\n${USAGE}\n`);
    return 2;
  }
  const { name, json } = asked;
  if (name === undefined) {
    host.out(json ? `${JSON.stringify({ benchmarks: namesAndSummaries(benchmarks) })}\n` : list(benchmarks));
    return 0;
  }
  const found = benchmarks.find((benchmark) => benchmark.name === name);
  if (found === undefined) {
    const names = benchmarks.map((benchmark) => benchmark.name);
    host.err(`there is no benchmark "${name}"; ${suggest(name, names, "there are")}\n`);
    return 2;
  }
  try {
    const result = await found.run(
      (line) => host.err(`${line}\n`),
      deadline(found.limitMs ?? LIMIT_MS, host.signal),
    );
    host.out(json ? `${JSON.stringify({ name, ...result })}\n` : table(result));
    return 0;
  } catch (error) {
    host.err(`${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
}

const USAGE = "usage: npm run bench -- [name] [--json]";

function readArguments(
  argv: readonly string[],
): { name: string | undefined; json: boolean } | { problem: string } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: { json: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    if (positionals.length > 1) return { problem: "one benchmark at a time: a second one would disturb it" };
    return { name: positionals[0], json: values.json };
  } catch (error) {
    // An unknown option; parseArgs says which.
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function namesAndSummaries(benchmarks: readonly Benchmark[]): Pick<Benchmark, "name" | "summary">[] {
  return benchmarks.map(({ name, summary }) => ({ name, summary }));
}

function list(benchmarks: readonly Benchmark[]): string {
  const width = Math.max(0, ...benchmarks.map(({ name }) => name.length));
  const lines = benchmarks.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `${[USAGE, "", ...lines].join("\n")}\n`;
}

function table({ ratios, figures }: BenchmarkResult): string {
  const rows = [...section("ratios", ratios), ...section("figures", figures)];
  const width = Math.max(0, ...rows.map(([key]) => key.length));
  const lines = rows.map(([key, value]) =>
    value === "" ? key : `${key.padEnd(width)}  ${value.padStart(10)}`,
  );
  return `${lines.join("\n")}\n`;
}

function section(title: string, values: Record<string, number>): [string, string][] {
  const rows = Object.entries(values).map(([key, value]): [string, string] => [`  ${key}`, format(value)]);
  return rows.length === 0 ? [] : [[title, ""], ...rows];
}

/** Three significant digits, but never fewer than all digits before the point. */
function format(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
