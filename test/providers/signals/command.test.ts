import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Metric } from "../../../src/model/metric.ts";
import type { SeriesAnswer, SignalSource } from "../../../src/model/signal-source.ts";
import { commandSignals } from "../../../src/providers/signals/command.ts";
import { signalSourceScenarios, type SourceFault } from "../../../src/testing/index.ts";
import { signalPorts } from "../../support/signal-ports.ts";

const TOKEN = "t0ken-that-nobody-sees";
const signal = new AbortController().signal;
const range = { release: "v2", fromMs: 0, toMs: 10_000, stepMs: 10_000 };

let projectDirectory = "";
beforeAll(() => {
  projectDirectory = mkdtempSync(join(tmpdir(), "tminus-command-source-"));
  mkdirSync(join(projectDirectory, "bin"));
});
afterAll(() => rmSync(projectDirectory, { recursive: true, force: true }));

/** A script that prints this in the form `gives`, or fails as told by the file "fault" beside it. */
const SCRIPT = `fault=$(cat fault 2>/dev/null)
case "$fault" in
  hang) sleep 300 ;;
  broken) echo "no luck with $TOKEN" >&2; exit 1 ;;
  empty) echo null; exit ;;
  not-a-number) echo '{"bad": NaN, "total": 3, "events": NaN, "value": -Infinity}'; exit ;;
  malformed) printf '{"bad": 1, "tot'; exit ;;
  too-large) yes "$TOKEN" ;;
esac
echo "a warning" >&2
echo "reading with $TOKEN"
case "$1" in
  counts) echo '{"bad": 3, "total": 120}' ;;
  events) echo '{"events": 4}' ;;
  value) echo '{"value": 12.5, "max": 100}' ;;
esac
echo "another warning" >&2
`;

const METRICS: readonly [Metric, ...Metric[]] = [
  { kind: "error_rate" },
  { kind: "count", name: "orders" },
  { kind: "gauge", name: "queue" },
];

function openSource(measures: object, secrets: Record<string, string> = {}): SignalSource {
  const ports = signalPorts({ projectDirectory, secrets, variables: () => ({ REGION: "north" }) });
  return commandSignals.open("own", { timeout: "10s", measures }, ports);
}

describe("a command source", () => {
  const scenarios = signalSourceScenarios({
    cannot: {
      refused: "a command is no connection",
      unauthorized: "it knows no status",
      throttled: "it knows no status",
      stale: "what a command prints is of now",
    },
    open() {
      const folder = mkdtempSync(join(projectDirectory, "case-"));
      writeFileSync(join(folder, "measure.sh"), SCRIPT);
      const measure = (gives: string) => ({
        gives,
        run: ["sh", "measure.sh", gives],
        env: { TOKEN: "env:TOKEN" },
      });
      const settings = {
        timeout: "1s",
        measures: { error_rate: measure("counts"), orders: measure("events"), queue: measure("value") },
      };
      const ports = signalPorts({ projectDirectory: folder, secrets: { "env:TOKEN": TOKEN } });
      return {
        source: commandSignals.open("own", settings, ports),
        questions: METRICS.map((metric) => ({ metric, ...range })) as [never],
        foreign: [
          { kind: "share", slowerThanMs: 500 },
          { kind: "gauge", name: "orders" },
        ],
        behave: (fault: SourceFault) => writeFileSync(join(folder, "fault"), fault),
        secrets: [TOKEN],
      };
    },
  });
  for (const { title, run } of scenarios) it(title, run);
});

describe("what a command prints", () => {
  const printed = async (gives: string, text: string): Promise<SeriesAnswer> => {
    const source = openSource({ it: { gives, run: ["printf", "%s", text] } });
    return await source.query({ metric: { kind: "query", name: "it" }, ...range }, signal);
  };
  const counter = { state: "counter", atMs: expect.any(Number) as number };

  it("is read as a whole or by its last line", async () => {
    expect(await printed("counts", '{\n  "bad": 3,\n  "total": 120\n}\n')).toEqual({
      ...counter,
      bad: 3,
      total: 120,
    });
    expect(await printed("events", 'two\nlines\n{"events": 7, "more": true}\n')).toEqual({
      ...counter,
      bad: 7,
      total: 0,
    });
    expect(await printed("value", '{"value": -1.5, "max": null}')).toEqual({
      state: "values",
      points: [{ atMs: expect.any(Number) as number, value: -1.5 }],
    });
  });

  it.each([
    ["counts", '{"bad": null, "total": 3}', "no-data", "printf has no number"],
    ["value", '{"value": null}', "no-data", "printf has no number"],
    ["counts", "", "error", "printf printed nothing"],
    [
      "counts",
      '{"events": 3}',
      "error",
      'printf printed something else than {"bad": 3, "total": 120}: {"events": 3}',
    ],
    [
      "counts",
      '{"bad": 4, "total": 3}',
      "error",
      'printf printed counts that cannot be: {"bad": 4, "total": 3}',
    ],
    ["events", '{"events": -1}', "error", 'printf printed counts that cannot be: {"events": -1}'],
    [
      "value",
      '{"value": "12"}',
      "error",
      'printf printed something else than {"value": 12, "max": 100}: {"value": "12"}',
    ],
  ])("as %s, %s is %s", async (gives, text, state, reason) => {
    expect(await printed(gives, text)).toMatchObject({ state, reason });
  });
});

describe("a command", () => {
  it("gets the release, the environment and its variables, and of this process no more than it needs", async () => {
    const given = `^(TMINUS_RELEASE=v2|TMINUS_ENVIRONMENT=production|REGION=north|TOKEN=${TOKEN})$`;
    const script = `printf '{"value": %s, "max": %s}' "$(env | grep -c -E '${given}')" "$(env | grep -c VITEST)"`;
    writeFileSync(join(projectDirectory, "bin/env.sh"), script);
    const source = openSource(
      { it: { gives: "value", script: "bin/env.sh", env: { TOKEN: "env:TOKEN" } } },
      { "env:TOKEN": TOKEN },
    );
    const metric: Metric = { kind: "gauge", name: "it" };
    expect(await source.query({ metric, ...range }, signal)).toMatchObject({
      points: [{ value: 4, max: 0 }],
    });
  });

  it("takes the release in its arguments", async () => {
    const source = openSource({
      it: { gives: "events", run: ["sh", "-c", 'echo "{\\"events\\": ${#1}}"', "-", "{release}!"] },
    });
    expect(await source.query({ metric: { kind: "count", name: "it" }, ...range }, signal)).toMatchObject({
      bad: 3,
    });
  });

  it.each([
    ["a program that is not there", { run: ["no-such-program-anywhere"] }, /could not be started: .*ENOENT/],
    [
      "a script that is not there",
      { script: "bin/no.sh" },
      /^gauge\(it\): script: bin\/no\.sh does not exist$/,
    ],
    [
      "a folder outside of the project",
      { run: ["true"], cwd: ".." },
      /^gauge\(it\): cwd: \.\. leads out of the project$/,
    ],
    [
      "what a shell cannot run",
      { run: ["sh", "-c", "no-such-program-anywhere"] },
      /ended with exit code 127: .*not found/,
    ],
  ])("is refused before a watch for %s", async (_what, program, reason) => {
    const source = openSource({ it: { gives: "value", ...program } });
    expect(await source.check([{ kind: "gauge", name: "it" }], "v2", signal)).toEqual({
      verdict: "fail",
      reason: expect.stringMatching(reason) as string,
    });
  });

  it("may tell releases apart, and counts for what it counts", () => {
    const source = openSource({
      error_rate: { gives: "counts", run: ["true"], perRelease: true },
      queue: { gives: "value", run: ["true"] },
    });
    expect(source.gives({ kind: "error_rate" })).toEqual({ form: "counts", perRelease: true });
    expect(source.gives({ kind: "query", name: "queue" })).toEqual({ form: "values", perRelease: false });
    expect(source.traits.history).toBe("counter");
    expect(openSource({ queue: { gives: "value", run: ["true"] } }).traits.history).toBe("now");
  });

  it("needs its secrets to be there when it is opened", () => {
    expect(() => openSource({ it: { gives: "value", run: ["true"], env: { T: "env:T" } } })).toThrow("env:T");
  });
});
