import { resolve } from "node:path";
import * as z from "zod";
import type { Metric } from "../../../model/metric.ts";
import type { IssueParams } from "../../../model/runbook.ts";
import type { SignalKind, SignalPorts } from "../../../model/signal-kind.ts";
import type { SeriesAnswer, SignalSource } from "../../../model/signal-source.ts";
import type { Verdict } from "../../../model/verdict.ts";
import { cpuMeter } from "./cpu-meter.ts";
import { readLoad, readUsage, type Mounts, type Subject } from "./usage.ts";

const schema = z
  .strictObject({
    pidFile: z
      .string()
      .min(1)
      .optional()
      .describe(
        "File that holds the number of a process, below the folder of the runbook: its CPU and memory of those of the machine, without the processes that it started",
      ),
    cgroup: z
      .string()
      .min(1)
      .refine((path) => !path.split("/").includes(".."), "must not contain ..")
      .optional()
      .describe(
        "Path of a control group (version 2) below /sys/fs/cgroup, such as system.slice/shop.service: its CPU and memory of its own limits, or of the machine where it has none",
      ),
  })
  .refine(({ pidFile, cgroup }) => pidFile === undefined || cgroup === undefined, {
    path: ["cgroup"],
    error: "cannot stand beside pidFile",
    params: { hint: "name two sources, one for each" } satisfies IssueParams,
  });

type Settings = z.output<typeof schema>;

const GAUGES = ["cpu", "memory", "load"] as const;
type Gauge = (typeof GAUGES)[number];

/** Saturation: it is judged by its level and how long it lasts, without statistics. */
export const hostSignals: SignalKind = {
  summary:
    "CPU, memory and load of the machine on which tminus runs, of one of its processes, or of a control group.",
  notes: [
    "It is measured on Linux only, and where tminus's worker runs: with the target `local` that is where the application runs.",
    "CPU use is an average between two looks that are between a second and two minutes apart.",
  ],
  measures: {
    "gauge(cpu)": "percent of the CPUs; its max is 100",
    "gauge(memory)":
      "percent of the memory; its max is 100. Of the machine what is not available to programs, of a process what is resident, of a control group without the file cache that can be dropped",
    "gauge(load)":
      "how many processes run or wait to run, on average of the last minute; of the machine only",
  },
  example: "cgroup: system.slice/shop.service\n",
  schema,
  open: (name, settings, ports) => openHost(name, schema.parse(settings), ports),
};

/** Where and on what it runs; for tests. */
export interface HostSystem extends Mounts {
  platform: NodeJS.Platform;
}

const SYSTEM: HostSystem = { platform: process.platform, proc: "/proc", cgroups: "/sys/fs/cgroup" };

export function openHost(
  name: string,
  settings: Settings,
  { clock, projectDirectory }: Pick<SignalPorts, "clock" | "projectDirectory">,
  system: HostSystem = SYSTEM,
): SignalSource {
  const subject = subjectOf(settings, projectDirectory);
  const read = () => readUsage(subject, system);
  const readCpu = cpuMeter(read, clock);
  const gaugeOf = (metric: Metric): Gauge | undefined => {
    if (metric.kind !== "gauge") return undefined;
    const gauge = GAUGES.find((one) => one === metric.name);
    return gauge === "load" && subject.of !== "machine" ? undefined : gauge;
  };
  const measure = async (gauge: Gauge, signal: AbortSignal): Promise<SeriesAnswer> => {
    if (gauge === "load") return valueOf(readLoad(system.proc), clock.now().getTime());
    if (gauge === "cpu") {
      const share = await readCpu(signal);
      return "absent" in share ? nothing(share.absent) : percent(share.percent, share.atMs);
    }
    const looked = read();
    if ("absent" in looked) return nothing(looked.absent);
    const { memoryBytes, memoryCapacity } = looked.usage;
    return percent((100 * memoryBytes) / memoryCapacity, clock.now().getTime());
  };
  const query = async (metric: Metric, signal: AbortSignal): Promise<SeriesAnswer> => {
    signal.throwIfAborted();
    const gauge = gaugeOf(metric);
    if (gauge === undefined) return refused(`${name} does not measure ${nameOf(metric)}`);
    if (system.platform !== "linux")
      return refused(`${gauge} is measured on Linux only, this is ${system.platform}`);
    try {
      return await measure(gauge, signal);
    } catch (error) {
      signal.throwIfAborted();
      return refused(`${gauge} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  return {
    name,
    kind: "host",
    traits: { lagMs: 0, floorMs: 1_000, history: "now" },
    gives: (metric) => (gaugeOf(metric) === undefined ? undefined : { form: "values", perRelease: false }),
    query: ({ metric }, signal) => query(metric, signal),
    async check(metrics, _release, signal) {
      const answers: Verdict[] = [];
      for (const metric of metrics) answers.push(verdictOf(metric, await query(metric, signal)));
      const [fail, unknown] = ["fail", "unknown"].map((bad) =>
        answers.find(({ verdict }) => verdict === bad),
      );
      return fail ?? unknown ?? { verdict: "pass", reason: "the system can be read" };
    },
  };
}

function subjectOf({ pidFile, cgroup }: Settings, projectDirectory: string): Subject {
  if (pidFile !== undefined) return { of: "process", pidFile: resolve(projectDirectory, pidFile) };
  return cgroup === undefined ? { of: "machine" } : { of: "cgroup", path: cgroup };
}

function percent(value: number, atMs: number): SeriesAnswer {
  return valueOf(value, atMs, 100);
}

/** A number that the system does not give comes out as NaN. */
function valueOf(value: number, atMs: number, max?: number): SeriesAnswer {
  if (!Number.isFinite(value)) return nothing("the system does not tell it");
  return { state: "values", points: [{ atMs, value, ...(max === undefined ? {} : { max }) }] };
}

function nothing(reason: string): SeriesAnswer {
  return { state: "no-data", reason };
}

function refused(reason: string): SeriesAnswer {
  return { state: "error", reason, isLasting: true };
}

function verdictOf(metric: Metric, answer: SeriesAnswer): Verdict {
  if (answer.state === "error") return { verdict: "fail", reason: answer.reason };
  // The process may be about to be started.
  if (answer.state === "no-data")
    return { verdict: "unknown", reason: `${nameOf(metric)}: ${answer.reason}` };
  return { verdict: "pass", reason: `${nameOf(metric)} is known` };
}

function nameOf(metric: Metric): string {
  return "name" in metric ? metric.name : metric.kind;
}
