import * as z from "zod";
import { parseDuration } from "../../lib/duration.ts";
import { lastLines } from "../../lib/output-tail.ts";
import { run } from "../../lib/process.ts";
import { findInside, scriptCommand } from "../../lib/script-file.ts";
import { printMetric, type Metric } from "../../model/metric.ts";
import { hasOneProgram, oneProgramIssue, programFields } from "../../model/program.ts";
import { idSchema } from "../../model/runbook.ts";
import type { SignalKind, SignalPorts } from "../../model/signal-kind.ts";
import type { Given, SeriesAnswer, SeriesQuestion, SignalSource } from "../../model/signal-source.ts";
import type { Verdict } from "../../model/verdict.ts";
import { commandEnvironment } from "../command/environment.ts";
import { readMeasured } from "./command-output.ts";
import { verdictOf, worstOf } from "./verdicts.ts";
import { timeoutSchema } from "./web-settings.ts";

const measureSchema = z
  .strictObject({
    gives: z
      .enum(["counts", "events", "value"])
      .describe(
        'What it prints. counts: {"bad": 3, "total": 120}, and events: {"events": 3}, counters since any beginning. value: {"value": 12, "max": 100}, max may be left out',
      ),
    ...programFields,
    perRelease: z
      .boolean()
      .default(false)
      .describe("Whether it measures the release that TMINUS_RELEASE names, and not the whole service"),
  })
  .refine(hasOneProgram, oneProgramIssue);

const schema = z.strictObject({
  timeout: timeoutSchema.describe("Time limit of one command; what takes longer was not seen"),
  measures: z
    .record(idSchema, measureSchema)
    .refine((measures) => Object.keys(measures).length > 0, "is empty")
    .describe("What to run, by the name that rules give it; error_rate is what rules about error_rate use"),
});

type Settings = z.output<typeof schema>;
type Measure = Settings["measures"][string];

const MAX_OUTPUT_CHARACTERS = 64 * 1024;
/** Of a shell: it cannot be run, or is not there. */
const CANNOT_RUN = new Set([126, 127]);

/** The kind's entry among the sources. */
export const commandSignals: SignalKind = {
  summary: "What a command of the project prints as JSON, for everything that has no source of its own.",
  notes: [
    "A command must change nothing: it also runs while a plan is made. The last line of stdout is read, or all of it; null in place of a number means that there is none. An exit code that is not 0 means that nothing was seen.",
    "Commands run in the project's folder with PATH, HOME, LANG and TMPDIR, the environment's variables, TMINUS_ENVIRONMENT and TMINUS_RELEASE. One that runs too long gets SIGTERM and after 5 s SIGKILL, with everything that it started.",
    "Counters only grow; one that is smaller than before began anew at 0. What came while nobody asked is in the next answer. Of a value only the present is known.",
  ],
  example: `measures:
  error_rate:
    gives: counts
    run: [./bin/count-requests, "{release}"]
    perRelease: true
  queue:
    gives: value
    script: bin/queue-length.sh
    env: { QUEUE_URL: env:QUEUE_URL }
`,
  schema,
  open: (name, settings, ports) => new CommandSource(name, schema.parse(settings), ports),
};

class CommandSource implements SignalSource {
  readonly kind: string = "command";
  readonly name: string;
  readonly traits: SignalSource["traits"];
  readonly #settings: Settings;
  readonly #ports: SignalPorts;

  constructor(name: string, settings: Settings, ports: SignalPorts) {
    this.name = name;
    this.#settings = settings;
    this.#ports = ports;
    const measures = Object.values(settings.measures);
    for (const reference of measures.flatMap(({ env }) => Object.values(env))) ports.secret(reference);
    const history = measures.some(({ gives }) => gives !== "value") ? "counter" : "now";
    this.traits = { lagMs: 0, floorMs: 0, history };
  }

  gives(metric: Metric): Given | undefined {
    const measure = this.#measureFor(metric);
    if (measure === undefined) return undefined;
    const { gives, perRelease } = measure;
    return { form: gives === "value" ? "values" : gives, perRelease };
  }

  async check(metrics: readonly Metric[], release: string, signal: AbortSignal): Promise<Verdict> {
    const verdicts: Verdict[] = [];
    for (const metric of metrics) {
      const answer = await this.#read(metric, release, signal);
      const reason = "reason" in answer ? `${printMetric(metric)}: ${answer.reason}` : "";
      verdicts.push(
        answer.state === "error" ? verdictOf({ ...answer, reason }) : { verdict: "pass", reason },
      );
    }
    return worstOf(verdicts, `${this.name} (command) measures all of them`);
  }

  query({ metric, release }: SeriesQuestion, signal: AbortSignal): Promise<SeriesAnswer> {
    return this.#read(metric, release, signal);
  }

  async #read(metric: Metric, release: string, signal: AbortSignal): Promise<SeriesAnswer> {
    signal.throwIfAborted();
    const measure = this.#measureFor(metric);
    if (measure === undefined) return failed(`${this.name} has no ${printMetric(metric)}`, true);
    const { projectDirectory } = this.#ports;
    const cwd = findInside(projectDirectory, measure.cwd ?? ".");
    if (cwd.state === "refused") return failed(`cwd: ${cwd.reason}`, true);
    if (measure.run !== undefined) {
      const argv = measure.run.map((argument) => argument.replaceAll("{release}", () => release));
      return await this.#measure(argv, cwd.file, { measure, release }, signal);
    }
    const script = findInside(projectDirectory, measure.script!);
    if (script.state === "refused") return failed(`script: ${script.reason}`, true);
    return await this.#measure(scriptCommand(script.file), cwd.file, { measure, release }, signal);
  }

  async #measure(
    argv: readonly string[],
    cwd: string,
    { measure, release }: { measure: Measure; release: string },
    signal: AbortSignal,
  ): Promise<SeriesAnswer> {
    const { clock, redact } = this.#ports;
    const tooMuch = new AbortController();
    const printed = { stdout: "", stderr: "" };
    const ended = await run(argv, {
      cwd,
      env: this.#environmentOf(measure, release),
      timeoutMs: parseDuration(this.#settings.timeout)!,
      signal: AbortSignal.any([signal, tooMuch.signal]),
      onOutput(chunk, stream) {
        printed[stream] = (printed[stream] + chunk).slice(-MAX_OUTPUT_CHARACTERS - 1);
        if (printed.stdout.length > MAX_OUTPUT_CHARACTERS) tooMuch.abort(new Error("too much output"));
      },
    });
    signal.throwIfAborted();
    const what = argv[0]!;
    if (tooMuch.signal.aborted)
      return failed(`${what} printed more than ${MAX_OUTPUT_CHARACTERS} characters`, false);
    if (ended.startError !== undefined)
      return failed(`${what} could not be started: ${redact(ended.startError)}`, true);
    if (ended.timedOut) return failed(`${what} did not end within ${this.#settings.timeout}`, false);
    const { exitCode, signalName } = ended;
    if (exitCode === 0)
      return readMeasured(printed.stdout, measure.gives, { what, atMs: clock.now().getTime(), redact });
    const how =
      exitCode === undefined
        ? `was ended by ${signalName ?? "a signal"}`
        : `ended with exit code ${exitCode}`;
    const [said = ""] = lastLines(redact(printed.stderr), 1);
    return failed(`${what} ${how}${said === "" ? "" : `: ${said}`}`, CANNOT_RUN.has(exitCode ?? 0));
  }

  #environmentOf({ env }: Measure, release: string): Record<string, string> {
    const { environment, secret, variables } = this.#ports;
    const own = Object.entries(env).map(([name, reference]) => [name, secret(reference).reveal()] as const);
    return commandEnvironment({ ...variables(), ...Object.fromEntries(own) }, { environment, release });
  }

  #measureFor(metric: Metric): Measure | undefined {
    if (metric.kind === "share" || metric.kind === "quantile") return undefined;
    const name = metric.kind === "error_rate" ? "error_rate" : metric.name;
    const { measures } = this.#settings;
    const measure = Object.hasOwn(measures, name) ? measures[name] : undefined;
    const needed = { error_rate: "counts", gauge: "value", count: "events", query: measure?.gives } as const;
    return measure?.gives === needed[metric.kind] ? measure : undefined;
  }
}

function failed(reason: string, isLasting: boolean): SeriesAnswer {
  return { state: "error", reason, isLasting };
}
