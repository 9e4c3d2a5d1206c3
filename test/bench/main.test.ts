import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Benchmark } from "../../bench/benchmark.ts";
import { runBenchmarks } from "../../bench/run-benchmarks.ts";
import { run } from "../../src/lib/process.ts";

const main = join(import.meta.dirname, "../../bench/main.ts");

const fake: Benchmark = {
  name: "fake",
  summary: "Measures nothing.",
  run: async (say) => {
    say("half way");
    return { ratios: { oursOverTheirs: 2.5 }, figures: { perSecond: 1234.5, rounds: 7 } };
  },
};
const broken: Benchmark = {
  name: "broken",
  summary: "Fails.",
  run: async () => {
    throw new Error("no disk");
  },
};
const waiting: Benchmark = {
  name: "waiting",
  summary: "Waits until it is broken off.",
  run: (_, signal) =>
    new Promise((_, reject) => {
      if (signal.aborted) reject(signal.reason as Error);
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    }),
};

async function bench(
  argv: string[],
  signal = new AbortController().signal,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  let stdout = "";
  let stderr = "";
  const exitCode = await runBenchmarks(argv, [fake, broken, waiting], {
    out: (text) => (stdout += text),
    err: (text) => (stderr += text),
    signal,
  });
  return { exitCode, stdout, stderr };
}

describe("npm run bench", () => {
  it("prints one JSON object on stdout with --json, and what goes on to stderr", async () => {
    const { exitCode, stdout, stderr } = await bench(["fake", "--json"]);
    expect(exitCode).toBe(0);
    expect(stdout.endsWith("}\n")).toBe(true);
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(JSON.parse(stdout)).toEqual({
      name: "fake",
      ratios: { oursOverTheirs: 2.5 },
      figures: { perSecond: 1234.5, rounds: 7 },
    });
    expect(stderr).toBe("half way\n");
  });

  it("prints a table of ratios and figures for people", async () => {
    const { exitCode, stdout } = await bench(["fake"]);
    expect(exitCode).toBe(0);
    const rows = stdout.trimEnd().split("\n");
    expect(rows.map((row) => row.trim().split(/\s+/))).toEqual([
      ["ratios"],
      ["oursOverTheirs", "2.50"],
      ["figures"],
      ["perSecond", "1235"],
      ["rounds", "7"],
    ]);
  });

  it("lists every benchmark with a sentence when none is named", async () => {
    const { exitCode, stdout } = await bench([]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ {2}fake +Measures nothing\.$/m);
    expect(stdout).toMatch(/^ {2}broken +Fails\.$/m);
    expect(JSON.parse((await bench(["--json"])).stdout)).toMatchObject({
      benchmarks: [{ name: "fake" }, {}, {}],
    });
  });

  it("exits 2 for a name that there is not, and says which one was meant", async () => {
    const { exitCode, stdout, stderr } = await bench(["fale", "--json"]);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain('did you mean "fake"?');
  });

  it("exits 2 for an unknown option and for two benchmarks at once", async () => {
    expect(await bench(["fake", "--jsn"])).toMatchObject({ exitCode: 2, stdout: "" });
    expect(await bench(["fake", "broken"])).toMatchObject({ exitCode: 2, stdout: "" });
  });

  it("exits 1 without a result when the benchmark fails", async () => {
    const { exitCode, stdout, stderr } = await bench(["broken", "--json"]);
    expect(exitCode).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain("broken failed: Error: no disk");
  });

  it("breaks a benchmark off when it is interrupted", async () => {
    const interrupt = new AbortController();
    const running = bench(["waiting"], interrupt.signal);
    interrupt.abort(new Error("interrupted"));
    expect(await running).toMatchObject({ exitCode: 1, stdout: "" });
  });

  it("knows backfill, cli, edge and engine", async () => {
    const { exitCode, output } = await run([process.execPath, main, "--json"], { timeoutMs: 30_000 });
    expect(exitCode).toBe(0);
    const { benchmarks } = JSON.parse(output.trim().split("\n").at(-1)!) as {
      benchmarks: { name: string }[];
    };
    expect(benchmarks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["backfill", "cli", "edge", "engine"]),
    );
    const unknown = await run([process.execPath, main, "engin"], { timeoutMs: 30_000 });
    expect(unknown.exitCode).toBe(2);
    expect(unknown.output).toContain('did you mean "engine"?');
  });
});
