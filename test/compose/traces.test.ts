import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTminus } from "../../src/compose.ts";
import { wantsTraces } from "../../src/compose/traces.ts";
import { isAlive, sendSignal } from "../../src/lib/process.ts";
import type { Tminus } from "../../src/model/tminus.ts";
import { effectStep, RELEASE_STEPS, stage } from "../support/effect-steps.ts";
import { eventually } from "../support/processes.ts";
import { ReleaseProject } from "../support/release-project.ts";

/** The parts of OTLP/JSON that are looked at: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: OtlpAttribute[];
  events: { name: string; timeUnixNano: string; attributes: OtlpAttribute[] }[];
  status: { code?: number; message?: string };
}
type OtlpAttribute = { key: string; value: { stringValue?: string } };
interface OtlpBody {
  resourceSpans: { resource: { attributes: OtlpAttribute[] }; scopeSpans: { spans: OtlpSpan[] }[] }[];
}

const SERVER = 2;
const FAILED = 2;

let project: ReleaseProject;
let tminus: Tminus;
let collector: Server;
let received: { path: string | undefined; headers: IncomingHttpHeaders; text: string; body: OtlpBody }[];
/** What the collector answers. */
let answer: number;

beforeEach(async () => {
  received = [];
  answer = 200;
  collector = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const text = Buffer.concat(parts).toString();
      received.push({
        path: request.url,
        headers: request.headers,
        text,
        body: JSON.parse(text) as OtlpBody,
      });
      response.writeHead(answer, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((done) => collector.listen(0, "127.0.0.1", done));
  project = await ReleaseProject.create({ stages: stage("go", STEPS) });
  tminus = await open();
}, 60_000);
afterEach(async () => {
  await tminus.close();
  collector.closeAllConnections();
  await new Promise((done) => collector.close(done));
  await project.close();
});

const STEPS = RELEASE_STEPS + effectStep("a", "a-@run");
const BROKEN = `      - { id: broken, title: Broken, kind: command, with: { run: [/bin/sh, -c, 'echo "token $TOKEN" >&2; exit 7'], env: { TOKEN: env:APP_TOKEN } } }\n`;
const SECRET = "s3cr3t-of-the-application";

function open(): Promise<Tminus> {
  const environment = project.environment({ TMINUS_START_WORKER: "0", APP_TOKEN: SECRET });
  return openTminus({ directory: project.directory, environment, log: () => undefined });
}

function otel(extra: Record<string, string> = {}): Record<string, string> {
  const { port } = collector.address() as AddressInfo;
  return { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, APP_TOKEN: SECRET, ...extra };
}

async function ended(id: string): Promise<void> {
  await eventually("the run ends", async () => (await tminus.findRun(id)).state === "ended", 60_000);
}

function spans(of = received.at(-1)!): OtlpSpan[] {
  return of.body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
}

function values(attributes: readonly OtlpAttribute[]): Record<string, string | undefined> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));
}

describe("a run that has ended", { timeout: 180_000 }, () => {
  it("is exported once as a trace, with its steps, its decisions and their times, and without secrets", async () => {
    await project.startWorker(
      otel({
        OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=of-the-collector",
        OTEL_SERVICE_NAME: "deploys",
        OTEL_RESOURCE_ATTRIBUTES: "team=shop",
      }),
    );
    const before = await project.start(tminus, "v1");
    await ended(before);
    project.useStages(stage("go", STEPS + BROKEN));
    await tminus.close();
    tminus = await open();
    const id = await project.start(tminus, "v2");
    await ended(id);
    await eventually("both are exported", () => received.length > 1, 60_000);
    expect(received.filter(({ text }) => text.includes(`"${before}"`))).toHaveLength(1);
    const [one] = received.filter(({ text }) => text.includes(`"${id}"`));
    expect([one!.path, one!.headers["x-api-key"]]).toEqual(["/v1/traces", "of-the-collector"]);
    const resource = values(one!.body.resourceSpans[0]!.resource.attributes);
    expect(resource).toMatchObject({ "service.name": "deploys", team: "shop" });

    const run = await tminus.findRun(id);
    expect(run.outcome).toBe("rolled-back");
    const events = await tminus.events(id, 0);
    const all = spans(one);
    const [root, ...more] = all.filter(({ parentSpanId }) => (parentSpanId ?? "") === "");
    expect(more).toEqual([]);
    expect(root).toMatchObject({
      kind: SERVER,
      name: `RUN ${run.plan.project} deploy`,
      status: { code: FAILED },
    });
    expect(values(root!.attributes)).toMatchObject({
      "cicd.pipeline.name": `${run.plan.project} deploy`,
      "cicd.pipeline.run.id": id,
      "cicd.pipeline.action.name": "RUN",
      "cicd.pipeline.result": "failure",
      "deployment.id": id,
      "deployment.environment.name": "production",
      "deployment.status": "failed",
      "error.type": "rolled-back",
    });
    const nanos = (date: Date): string => `${date.getTime()}000000`;
    expect([root!.startTimeUnixNano, root!.endTimeUnixNano]).toEqual([
      nanos(events[0]!.at),
      nanos(events.at(-1)!.at),
    ]);
    expect(root!.events.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["run.started", "run.verdict"]),
    );

    const begun = events.filter(({ type }) => type === "step.begun" || type === "undo.begun");
    const tasks = all.filter((span) => span !== root);
    expect(tasks.map(({ startTimeUnixNano }) => startTimeUnixNano)).toEqual(begun.map(({ at }) => nanos(at)));
    expect(
      tasks.every(({ parentSpanId, traceId }) => parentSpanId === root!.spanId && traceId === root!.traceId),
    ).toBe(true);
    expect(new Set(all.map(({ spanId }) => spanId)).size).toBe(all.length);
    const broken = tasks.find(({ name }) => name === "Broken");
    expect(broken?.status.code).toBe(FAILED);
    expect(values(broken!.attributes)).toMatchObject({
      "cicd.pipeline.task.name": "Broken",
      "cicd.pipeline.task.run.id": `${id}/broken/act/1`,
      "cicd.pipeline.task.run.result": "failure",
    });
    const deploy = tasks.find(({ attributes }) => values(attributes)["tminus.step.id"] === "deploy");
    expect(values(deploy!.attributes)).toMatchObject({
      "cicd.pipeline.task.type": "deploy",
      "cicd.pipeline.task.run.result": "success",
    });
    expect(one!.text).not.toContain(SECRET);
    expect(one!.text).toContain("***");
  });

  it("is exported by the next worker when the one that ended it had no collector or died", async () => {
    const id = await project.start(tminus, "v1");
    const first = await project.startWorker({ APP_TOKEN: SECRET });
    await ended(id);
    sendSignal(first, "SIGKILL");
    await eventually("it is dead", () => !isAlive(first));
    expect(received).toEqual([]);
    await project.startWorker(otel());
    await eventually("it is exported", () => received.length > 0, 60_000);
    expect(values(spans()[0]!.attributes)).not.toEqual({});
    expect(received[0]!.text).toContain(id);
  });

  it("ends although the collector is down, and is exported again as the same trace until it is taken", async () => {
    answer = 400;
    const id = await project.start(tminus, "v1");
    const first = await project.startWorker(otel());
    await ended(id);
    await eventually(
      "the log says so",
      () => /trace of run \w+: .*; tried again in 15 s/.test(project.workerLog()),
      60_000,
    );
    const refused = received.length;
    sendSignal(first, "SIGTERM");
    await eventually("it has ended", () => !isAlive(first), 20_000);
    answer = 200;
    const second = await project.startWorker(otel());
    await eventually("it is exported", () => received.length > refused, 60_000);
    const ids = (sent: (typeof received)[number]): string[] =>
      spans(sent).map((span) => span.traceId + span.spanId);
    expect(ids(received.at(-1)!)).toEqual(ids(received[0]!));
    sendSignal(second, "SIGTERM");
    await eventually("it has ended, too", () => !isAlive(second), 20_000);
    const taken = received.length;
    const other = await project.start(tminus, "v2");
    await project.startWorker(otel());
    await ended(other);
    await eventually("the other run is exported", () => received.at(-1)!.text.includes(other), 60_000);
    expect(received.slice(taken).some(({ text }) => text.includes(`${id}/`))).toBe(false);
  });
});

describe("wantsTraces", () => {
  it.each([
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" }, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:4318/v1/traces" }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: " " }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318", OTEL_SDK_DISABLED: "TRUE" }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318", OTEL_TRACES_EXPORTER: "none" }, false],
  ])("says of %o: %s", (environment, expected) => {
    expect(wantsTraces(environment)).toBe(expected);
  });
});
