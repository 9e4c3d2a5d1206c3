import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Metric } from "../../../src/model/metric.ts";
import type { SeriesAnswer, SignalSource } from "../../../src/model/signal-source.ts";
import { hostSignals, openHost } from "../../../src/providers/signals/host/index.ts";
import { createFakeClock, signalSourceScenarios, SOURCE_FAULTS } from "../../../src/testing/index.ts";
import { signalPorts } from "../../support/signal-ports.ts";

const gauge = (name: string): Metric => ({ kind: "gauge", name });
const question = { release: "v2", fromMs: 0, toMs: 60_000, stepMs: 10_000 };
const { signal } = new AbortController();

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "tminus-host-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function valueOf(source: SignalSource, name: string): Promise<number> {
  const answer = await source.query({ ...question, metric: gauge(name) }, signal);
  if (answer.state !== "values") throw new Error(`${name}: ${JSON.stringify(answer)}`);
  return answer.points[0]!.value;
}

/** A process that computes for as long as the test lasts. */
function busyProcess(): ChildProcess {
  const child = spawn(process.execPath, ["--eval", "for (;;);"], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

describe.skipIf(process.platform !== "linux")("on Linux", () => {
  describe("the contract of a source", () => {
    const scenarios = signalSourceScenarios({
      open: () => ({
        source: hostSignals.open("host", {}, signalPorts()),
        questions: ["cpu", "memory", "load"].map((name) => ({ ...question, metric: gauge(name) })) as never,
        foreign: [gauge("pg_conn"), { kind: "query", name: "cpu" }, { kind: "error_rate" }],
        behave: () => undefined,
        secrets: [],
      }),
      cannot: Object.fromEntries(SOURCE_FAULTS.map((fault) => [fault, "it asks nobody"])),
    });
    for (const { title, run } of scenarios) it(title, run);
  });

  it("measures the machine: a busy process raises its CPU, and memory is what is not available", async () => {
    const source = hostSignals.open("host", {}, signalPorts());
    busyProcess();
    expect(await valueOf(source, "cpu")).toBeGreaterThan(0);
    expect(await valueOf(source, "memory")).toBeGreaterThan(0);
    expect(await valueOf(source, "memory")).toBeLessThan(100);
    expect(Math.abs((await valueOf(source, "load")) - loadavg()[0]!)).toBeLessThan(1);
  });

  it("measures one process by its pid file, and says so when it has ended", async () => {
    const projectDirectory = folder();
    const child = busyProcess();
    const source = hostSignals.open("host", { pidFile: "app.pid" }, signalPorts({ projectDirectory }));
    expect(await source.query({ ...question, metric: gauge("cpu") }, signal)).toEqual({
      state: "no-data",
      reason: `there is no file ${join(projectDirectory, "app.pid")}`,
    });
    writeFileSync(join(projectDirectory, "app.pid"), `${child.pid}\n`);
    const cpu = await valueOf(source, "cpu");
    expect(cpu).toBeGreaterThan(0);
    expect(cpu).toBeLessThanOrEqual(100 / cpus().length + 5);
    const memory = await valueOf(source, "memory");
    expect((memory / 100) * totalmem()).toBeGreaterThan(10_000_000);
    expect(source.gives(gauge("load"))).toBeUndefined();
    child.kill("SIGKILL");
    const ended = { state: "no-data", reason: `no process ${child.pid} is running` };
    for (const name of ["cpu", "memory"])
      await expect
        .poll(() => source.query({ ...question, metric: gauge(name) }, signal), { timeout: 20_000 })
        .toEqual(ended);
    expect(await source.check([gauge("cpu")], "v2", signal)).toEqual({
      verdict: "unknown",
      reason: `cpu: no process ${child.pid} is running`,
    });
  });
});

/** Files of a control group as the kernel's documentation shows them. */
function makeCgroup(path: string, files: Record<string, string>): void {
  mkdirSync(path, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
}

function openAt(
  settings: object,
  changes: {
    cgroups?: string;
    platform?: NodeJS.Platform;
    proc?: string;
    clock?: ReturnType<typeof createFakeClock>;
  },
): SignalSource {
  const { clock = createFakeClock({ autoAdvance: true }), ...system } = changes;
  const ports = { clock, projectDirectory: tmpdir() };
  return openHost("host", settings, ports, { platform: "linux", proc: "/proc", cgroups: "/none", ...system });
}

describe("a control group", () => {
  it("is measured against its own limits", async () => {
    const cgroups = folder();
    const clock = createFakeClock();
    const path = join(cgroups, "system.slice/shop.service");
    const cpuStat = (usec: number): string =>
      `usage_usec ${usec}\nuser_usec 1\nsystem_usec 1\nnr_periods 0\n`;
    makeCgroup(path, {
      "cpu.stat": cpuStat(5_000_000),
      "cpu.max": "150000 100000\n",
      "memory.current": "600000000\n",
      "memory.stat": "anon 400000000\ninactive_file 100000000\n",
      "memory.max": "1000000000\n",
    });
    const source = openAt({ cgroup: "system.slice/shop.service" }, { cgroups, clock });
    expect(await valueOf(source, "memory")).toBe(50);
    const first = valueOf(source, "cpu");
    makeCgroup(path, { "cpu.stat": cpuStat(5_750_000) });
    clock.advance(1000);
    expect(await first).toBe(50);
    // Asked again at once it is the same; after 10 s it is what was used in those.
    expect(await valueOf(source, "cpu")).toBe(50);
    makeCgroup(path, { "cpu.stat": cpuStat(8_750_000) });
    clock.advance(10_000);
    expect(await valueOf(source, "cpu")).toBe(20);
  });

  it("is measured against the machine where it has no limits", async () => {
    const cgroups = folder();
    makeCgroup(cgroups, {
      "cpu.stat": "usage_usec 0\n",
      "cpu.max": "max 100000\n",
      "memory.current": String(totalmem() / 4),
      "memory.stat": "inactive_file 0\n",
      "memory.max": "max\n",
    });
    const source = openAt({ cgroup: "." }, { cgroups });
    expect(await valueOf(source, "memory")).toBe(25);
    expect(await valueOf(source, "cpu")).toBe(0);
  });

  it("that is not there, or does not account for memory, is no data", async () => {
    const cgroups = folder();
    const ask = (cgroup: string): Promise<SeriesAnswer> =>
      openAt({ cgroup }, { cgroups }).query({ ...question, metric: gauge("memory") }, signal);
    expect(await ask("gone")).toEqual({
      state: "no-data",
      reason: `there is no control group of version 2 at ${cgroups}/gone`,
    });
    makeCgroup(join(cgroups, "root"), { "cpu.stat": "usage_usec 0\n" });
    expect(await ask("root")).toMatchObject({
      state: "no-data",
      reason: `the control group at ${cgroups}/root does not account for memory`,
    });
  });
});

describe("CPU use", () => {
  /** A machine with one line in /proc/stat, in hundredths of a second. */
  function machine(): { proc: string; busy(ticks: number): void } {
    const proc = folder();
    const busy = (ticks: number): void =>
      writeFileSync(join(proc, "stat"), `cpu  ${ticks} 0 0 900 50 0 0 0 0 0\n`);
    writeFileSync(join(proc, "meminfo"), "MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: 250 kB\n");
    busy(0);
    return { proc, busy };
  }

  it("is not told of a time that is long gone", async () => {
    const { proc, busy } = machine();
    const clock = createFakeClock();
    const source = openAt({}, { proc, clock });
    const first = valueOf(source, "cpu");
    clock.advance(1000);
    expect(await first).toBe(0);
    busy(100 * 600 * cpus().length);
    clock.advance(600_000);
    const afterwards = valueOf(source, "cpu");
    clock.advance(1000);
    expect(await afterwards).toBe(0);
    expect(await valueOf(source, "memory")).toBe(75);
  });

  it("stops measuring when it is told to", async () => {
    const source = openAt({}, { proc: machine().proc, clock: createFakeClock() });
    const stopping = new AbortController();
    const reason = new Error("stopped");
    const asked = source.query({ ...question, metric: gauge("cpu") }, stopping.signal);
    stopping.abort(reason);
    await expect(asked).rejects.toBe(reason);
  });
});

describe("what cannot be measured", () => {
  it("is refused for good anywhere but on Linux", async () => {
    const source = openAt({}, { platform: "darwin" });
    const reason = "cpu is measured on Linux only, this is darwin";
    expect(await source.query({ ...question, metric: gauge("cpu") }, signal)).toEqual({
      state: "error",
      reason,
      isLasting: true,
    });
    expect(await source.check([gauge("cpu")], "v2", signal)).toEqual({ verdict: "fail", reason });
  });

  it("is refused for good where the system is not to be read", async () => {
    const source = openAt({}, { proc: "/none" });
    expect(await source.query({ ...question, metric: gauge("memory") }, signal)).toMatchObject({
      state: "error",
      isLasting: true,
    });
  });

  it("is a process and a control group at once, and a way out of the control groups", () => {
    const issues = (settings: object): string[] =>
      hostSignals.schema.safeParse(settings).error?.issues.map(({ message }) => message) ?? [];
    expect(issues({ pidFile: "a.pid", cgroup: "b" })).toEqual(["cannot stand beside pidFile"]);
    expect(issues({ cgroup: "../x" })).toEqual(["must not contain .."]);
  });
});
