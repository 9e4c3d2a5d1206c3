import { describe, expect, it } from "vitest";
import { identify, isAlive, run, spawnDetached, spawnSharing, terminate } from "../../src/lib/process.ts";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
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

  it("tells what comes from which stream", async () => {
    const seen = { stdout: "", stderr: "" };
    await run(sh("echo out; echo err >&2"), {
      env,
      timeoutMs: 10_000,
      onOutput: (chunk, stream) => void (seen[stream] += chunk),
    });
    expect(seen).toEqual({ stdout: "out\n", stderr: "err\n" });
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

/** Asks for a server by its name and answers whoever connects to it; without one it ends. */
const SHARER = `
  process.once("message", (message, server) => {
    process.disconnect();
    server?.on("connection", (socket) => socket.end("the other"));
    console.log(server === undefined ? "none" : "listens");
  });
  process.send(process.argv[1]);`;

describe("a process that shares a listening socket", () => {
  async function started(wants: string) {
    const folder = mkdtempSync(join(tmpdir(), "tminus-process-"));
    const server = createServer((socket) => socket.end("the first"));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const logFile = join(folder, "log");
    const identity = await spawnSharing(["node", "-e", SHARER, wants], { env, logFile }, (message) =>
      message === "public" ? server : undefined,
    );
    const says = (text: string) => eventually(text, () => readFileSync(logFile, "utf8").includes(text));
    return { server, identity, says, cleanUp: () => rmSync(folder, { recursive: true, force: true }) };
  }

  it("accepts what still waited when the first closed it, and outlives the channel", async () => {
    const { server, identity, says, cleanUp } = await started("public");
    const { port } = server.address() as AddressInfo;
    try {
      await says("listens");
      const answers = Array.from({ length: 50 }, () => answerFrom(port));
      // they are connected, and this process has had no chance to accept them
      process.nextTick(() => server.close());
      expect(new Set(await Promise.all(answers))).toEqual(new Set(["the other"]));
      expect(isAlive(identity)).toBe(true);
    } finally {
      await terminate(identity, 5_000);
      cleanUp();
    }
  });

  it("is told when there is none for it", async () => {
    const { server, identity, says, cleanUp } = await started("another");
    await says("none");
    await eventually("it has ended", () => !isAlive(identity));
    server.close();
    cleanUp();
  });
});

function answerFrom(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    connect(port, "127.0.0.1")
      .setEncoding("utf8")
      .on("data", (chunk) => (text += String(chunk)))
      .once("error", reject)
      .once("end", () => resolve(text));
  });
}
