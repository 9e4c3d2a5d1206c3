import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  type Resource,
} from "@opentelemetry/resources";
import { AlwaysOnSampler, TracerProvider, type ReadableSpan } from "@opentelemetry/sdk-trace";
import { ATTR_ERROR_TYPE, ATTR_SERVICE_NAME } from "@opentelemetry/semantic-conventions";
import {
  ATTR_CICD_PIPELINE_ACTION_NAME,
  ATTR_CICD_PIPELINE_NAME,
  ATTR_CICD_PIPELINE_RESULT,
  ATTR_CICD_PIPELINE_RUN_ID,
  ATTR_CICD_PIPELINE_TASK_NAME,
  ATTR_CICD_PIPELINE_TASK_RUN_ID,
  ATTR_CICD_PIPELINE_TASK_RUN_RESULT,
  ATTR_CICD_PIPELINE_TASK_TYPE,
  ATTR_DEPLOYMENT_ENVIRONMENT_NAME,
  ATTR_DEPLOYMENT_ID,
  ATTR_DEPLOYMENT_NAME,
  ATTR_DEPLOYMENT_STATUS,
  CICD_PIPELINE_ACTION_NAME_VALUE_RUN,
  CICD_PIPELINE_RESULT_VALUE_CANCELLATION,
  CICD_PIPELINE_RESULT_VALUE_ERROR,
  CICD_PIPELINE_RESULT_VALUE_FAILURE,
  CICD_PIPELINE_RESULT_VALUE_SUCCESS,
  CICD_PIPELINE_TASK_RUN_RESULT_VALUE_ERROR,
  CICD_PIPELINE_TASK_RUN_RESULT_VALUE_FAILURE,
  CICD_PIPELINE_TASK_RUN_RESULT_VALUE_SUCCESS,
  CICD_PIPELINE_TASK_TYPE_VALUE_DEPLOY,
  CICD_PIPELINE_TASK_TYPE_VALUE_TEST,
  DEPLOYMENT_STATUS_VALUE_FAILED,
  DEPLOYMENT_STATUS_VALUE_SUCCEEDED,
} from "@opentelemetry/semantic-conventions/incubating";
import type { Run, RunEvent, RunOutcome } from "../../model/run.ts";
import { runTrace, type TracedEvent, type TracedSpan, type TracedTask } from "./run-trace.ts";

/** Sends traces by OTLP over HTTP, as JSON. */
export interface TraceExporter {
  /**
   * All events of the run, which has ended. Rejects when the collector did not take the trace, and when `signal` aborts; sending
   * again is safe.
   */
  export(run: Run, events: readonly RunEvent[], signal: AbortSignal): Promise<void>;
}

/** ExportResultCode.SUCCESS of a package that the exporter brings along. */
const EXPORTED = 0;
/** Texts are cut off there. */
const MAX_TEXT = 4096;
/** More decisions are not made about one step. */
const MAX_EVENTS = 1000;

/**
 * Where to and as whom is said by the standard variables of this process (OTEL_EXPORTER_OTLP_…, OTEL_SERVICE_NAME,
 * OTEL_RESOURCE_ATTRIBUTES). Names of attributes are those of the semantic conventions for CI/CD and deployments.
 */
export function openTraceExporter(timeoutMs: number): TraceExporter {
  const exporter = new OTLPTraceExporter({ timeoutMillis: timeoutMs });
  const resource = defaultResource()
    .merge(resourceFromAttributes({ [ATTR_SERVICE_NAME]: "tminus" }))
    .merge(detectResources({ detectors: [envDetector] }));
  return {
    async export(run, events, signal) {
      const spans = spansOf(run, events, resource);
      signal.throwIfAborted();
      let giveUp = (): void => undefined;
      const sent = new Promise<void>((resolve, reject) => {
        giveUp = () => reject(signal.reason as Error);
        signal.addEventListener("abort", giveUp, { once: true });
        exporter.export(spans, ({ code, error }: { code: number; error?: Error }) => {
          if (code === EXPORTED) resolve();
          else reject(error ?? new Error("the collector did not take the trace"));
        });
      });
      await sent.finally(() => signal.removeEventListener("abort", giveUp));
    },
  };
}

function spansOf(run: Run, events: readonly RunEvent[], resource: Resource): ReadableSpan[] {
  const { traceId, run: root, tasks } = runTrace(run, events);
  const ended: ReadableSpan[] = [];
  const spanIds = [root, ...tasks].map(({ spanId }) => spanId);
  const provider = new TracerProvider({
    resource,
    sampler: new AlwaysOnSampler(), // a run is one trace in hours
    spanLimits: { attributeValueLengthLimit: MAX_TEXT, eventCountLimit: MAX_EVENTS },
    // Asked once for each span, in the order in which they are started below.
    idGenerator: { generateTraceId: () => traceId, generateSpanId: () => spanIds.shift()! },
    spanProcessors: [
      {
        onStart: () => undefined,
        onEnd: (span) => void ended.push(span),
        forceFlush: async () => undefined,
        shutdown: async () => undefined,
      },
    ],
  });
  const tracer = provider.getTracer("tminus");
  const start = (
    name: string,
    kind: SpanKind,
    of: TracedSpan,
    attributes: Attributes,
    parent?: Span,
  ): Span => {
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent);
    const span = tracer.startSpan(name, { kind, startTime: of.startedAt, attributes }, context);
    for (const event of of.events) span.addEvent(event.name, eventAttributes(event), event.at);
    return span;
  };
  const { name, attributes } = described(run);
  const runSpan = start(name, SpanKind.SERVER, root, attributes);
  for (const task of tasks) {
    const span = start(task.title, SpanKind.INTERNAL, task, taskAttributes(task), runSpan);
    if (task.result !== "done") span.setStatus({ code: SpanStatusCode.ERROR, message: task.reason });
    span.end(task.endedAt);
  }
  if (isError(run.outcome))
    runSpan.setStatus({ code: SpanStatusCode.ERROR, message: run.verdict?.reason ?? run.outcome });
  runSpan.end(root.endedAt);
  return ended;
}

const results: Record<RunOutcome, string> = {
  succeeded: CICD_PIPELINE_RESULT_VALUE_SUCCESS,
  "rolled-back": CICD_PIPELINE_RESULT_VALUE_FAILURE,
  failed: CICD_PIPELINE_RESULT_VALUE_FAILURE,
  "rollback-failed": CICD_PIPELINE_RESULT_VALUE_ERROR,
  stopped: CICD_PIPELINE_RESULT_VALUE_CANCELLATION,
};

function isError(outcome: RunOutcome | undefined): outcome is RunOutcome {
  return outcome !== undefined && outcome !== "succeeded" && outcome !== "stopped";
}

function described({ id, environment, plan, outcome = "failed", verdict }: Run): {
  name: string;
  attributes: Attributes;
} {
  const pipeline = `${plan.project} ${plan.purpose}`;
  const hasSucceeded = outcome === "succeeded";
  return {
    name: `${CICD_PIPELINE_ACTION_NAME_VALUE_RUN} ${pipeline}`,
    attributes: {
      [ATTR_CICD_PIPELINE_ACTION_NAME]: CICD_PIPELINE_ACTION_NAME_VALUE_RUN,
      [ATTR_CICD_PIPELINE_NAME]: pipeline,
      [ATTR_CICD_PIPELINE_RUN_ID]: id,
      [ATTR_CICD_PIPELINE_RESULT]: results[outcome],
      [ATTR_DEPLOYMENT_ID]: id,
      [ATTR_DEPLOYMENT_NAME]: `${plan.release} to ${environment}`,
      [ATTR_DEPLOYMENT_ENVIRONMENT_NAME]: environment,
      [ATTR_DEPLOYMENT_STATUS]: hasSucceeded
        ? DEPLOYMENT_STATUS_VALUE_SUCCEEDED
        : DEPLOYMENT_STATUS_VALUE_FAILED,
      ...(isError(outcome) ? { [ATTR_ERROR_TYPE]: verdict?.code ?? outcome } : {}),
      "tminus.outcome": outcome,
      "tminus.release": plan.release,
      ...(plan.previousRelease === undefined ? {} : { "tminus.previous_release": plan.previousRelease }),
    },
  };
}

const taskResults: Record<TracedTask["result"], string> = {
  done: CICD_PIPELINE_TASK_RUN_RESULT_VALUE_SUCCESS,
  failed: CICD_PIPELINE_TASK_RUN_RESULT_VALUE_FAILURE,
  interrupted: CICD_PIPELINE_TASK_RUN_RESULT_VALUE_ERROR,
};

function taskAttributes({ id, title, stepId, kind, phase, result, reason }: TracedTask): Attributes {
  const type = taskType(kind);
  return {
    [ATTR_CICD_PIPELINE_TASK_NAME]: title,
    [ATTR_CICD_PIPELINE_TASK_RUN_ID]: id,
    [ATTR_CICD_PIPELINE_TASK_RUN_RESULT]: taskResults[result],
    ...(type === undefined ? {} : { [ATTR_CICD_PIPELINE_TASK_TYPE]: type }),
    ...(result === "done" ? {} : { [ATTR_ERROR_TYPE]: result }),
    "tminus.step.id": stepId,
    "tminus.step.kind": kind,
    "tminus.step.phase": phase,
    "tminus.step.reason": reason,
  };
}

/** Of the three types that the conventions know; undefined for a step that is none of them. */
function taskType(kind: string): string | undefined {
  if (/^(app\.(deploy|shift)|db\.(migrate|backfill|contract))$/.test(kind))
    return CICD_PIPELINE_TASK_TYPE_VALUE_DEPLOY;
  if (/^(smoke|watch|app\.rehearse-rollback|db\.(lint|rehearse|rls|verify|watch))$/.test(kind))
    return CICD_PIPELINE_TASK_TYPE_VALUE_TEST;
  return undefined;
}

function eventAttributes({ actor, data }: TracedEvent): Attributes {
  const named = Object.entries(data).map(([name, value]) => [`tminus.${name}`, value]);
  return { "tminus.actor": actor, ...(Object.fromEntries(named) as Attributes) };
}
