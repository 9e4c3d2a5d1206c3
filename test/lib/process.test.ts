import { describe, expect, it } from "vitest";
import { identify, isAlive, run, spawnDetached, terminate } from "../../src/lib/process.ts";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/processes.ts";

const env = { PATH: process.env.PATH ?? "" };
const sh = (script: string): string[] => ["sh", "-c", script];

describe("run", () => {
  it("gives exit code and both streams", async () => {
    const result = await run(sh("echo out; echo err >&2; exit 3"), { env, timeoutMs: 10_000 });
    expect(result).toMatchObject({ exitCode: 3, timedOut: false, aborted: false, startError: undefined });
    expect(result.output.split("\n").sort()).toEqual(["", "err", "out"]);
  });

  it("tells a program that cannot be started from one that fails", async () => {
    const result = await run(["/no/such/program"], { env, timeoutMs: 10_000 });
    expect(result.exitCode).toBeUndefined();
    expect(result.startError).toContain("ENOENT");
  });

  it("ends everything that a command started when its time is over", async () => {
    const result = await run(sh("sleep 300 & echo $!; wait"), { env, timeoutMs: 300 });
    expect(result).toMatchObject({ timedOut: true, aborted: false });
    const left = Number(result.output.trim());
    await eventually("what it started is gone", () => identify(left) === undefined);
  });

  it("lets a command end by itself when it is aborted", async () => {
    const stop = new AbortController();
    const result = await run(
      [
        "node",
        "-e",
        "process.on('SIGTERM', () => process.exit(9)); console.log('up'); setInterval(() => {}, 1000)",
      ],
      {
        env,
        timeoutMs: 60_000,
        signal: stop.signal,
        onOutput: () => stop.abort(new Error("enough")),
      },
    );
    expect(result).toMatchObject({ aborted: true, timedOut: false, exitCode: 9 });
  });

  it("does not wait for a background process that keeps the output open", async () => {
    const result = await run(sh("sleep 5 & echo done"), { env, timeoutMs: 60_000 });
    expect(result).toMatchObject({ exitCode: 0, output: "done\n" });
    expect(result.durationMs).toBeLessThan(4_500);
  });

  it("keeps the end of the output", async () => {
    const result = await run(sh("seq 1 2000"), { env, timeoutMs: 10_000, maxOutputBytes: 10 });
    expect(result.output).toBe("1999\n2000\n");
  });
});

describe("a detached process", () => {
  it("is known by pid and start time, writes to its log and can be ended", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tminus-process-"));
    const logFile = join(folder, "log");
    const identity = await spawnDetached(
      ["node", "-e", "console.log('hello'); setInterval(() => {}, 1000)"],
      { env, logFile },
    );
    try {
      expect(isAlive(identity)).toBe(true);
      expect(isAlive({ ...identity, startedAt: "1" })).toBe(false);
      while (!readFileSync(logFile, "utf8").includes("hello"))
        await new Promise((done) => setImmediate(done));
    } finally {
      await terminate(identity, 5_000);
      rmSync(folder, { recursive: true, force: true });
    }
    expect(isAlive(identity)).toBe(false);
    await terminate(identity, 0);
  });
});
