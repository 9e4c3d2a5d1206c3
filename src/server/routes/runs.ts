import { deadline } from "../../lib/clock.ts";
import type { Actor } from "../../model/actor.ts";
import { recordOf } from "../../compose/run-record.ts";
import { permissionOf } from "../../model/permission.ts";
import { listedRun, MAX_SEARCH_LENGTH, runOutcomes, runStates } from "../../model/run-list.ts";
import type { Run } from "../../model/run.ts";
import { signalBodySchema } from "../../model/signal.ts";
import { deployLog } from "../../report/deploy-log.ts";
import { runActions } from "../allowed-actions.ts";
import { asks, body, createRoute, json, problems, z, type Api } from "../api.ts";
import { environmentNamed } from "../environment-named.ts";
import {
  attemptSchema,
  eventSchema,
  rollbackLineSchema,
  runSchema,
  runPageSchema,
  sourceSchema,
  type RunResource,
} from "../contract/run.ts";
import { requirePermitted, signedIn } from "../middleware/permit.ts";
import { attemptResource, eventResource, runSummary, withoutEmails } from "../resources.ts";
import type { ServerPorts } from "../server-ports.ts";

const TAG = "Runs";
const PREVIEW_MS = 10_000;
const params = z.object({
  id: z.string().openapi({ description: "Of the run, or an unambiguous beginning of it" }),
});
const text = (description: string, type: string) => ({
  description,
  content: { [type]: { schema: z.string() } },
});

export function addRuns(api: Api, ports: ServerPorts): void {
  const { tminus, closing } = ports;

  const list = createRoute({
    method: "get",
    path: "/runs",
    ...asks("read", TAG, "Runs, newest first"),
    request: {
      query: z.object({
        environment: z.string().optional(),
        state: z
          .enum(["active", ...runStates])
          .optional()
          .openapi({ description: "active: has not ended" }),
        outcome: z.enum(runOutcomes).optional(),
        search: z.string().max(MAX_SEARCH_LENGTH).optional().openapi({
          description:
            "Words, each the beginning of the id or of a word of the release, person, environment, purpose, outcome or reason",
        }),
        before: z.string().optional().openapi({
          description: "Only runs that are older than this one: the last of the page before",
        }),
        limit: z.coerce.number().int().min(1).max(200).default(50),
      }),
    },
    responses: {
      200: json("Without their plans; hasOlder: there is another page", runPageSchema),
      ...problems,
    },
  });
  api.openapi(list, async (c) => {
    const { runs, hasOlder } = await tminus.listRuns(c.req.valid("query"));
    return c.json({ runs: runs.map(runSummary), hasOlder }, 200);
  });

  const read = createRoute({
    method: "get",
    path: "/runs/{id}",
    ...asks("read", TAG, "A run with its plan, and what may be done with it"),
    request: { params, query: z.object({ environment: z.string().optional() }) },
    responses: { 200: json("The run", runSchema), ...problems },
  });
  api.openapi(read, async (c) => {
    const { environment } = c.req.valid("query");
    const name = environmentNamed(tminus, environment);
    const run = await tminus.findRun(c.req.valid("param").id, name);
    return c.json(await resourceOf(run, signedIn(c.get("who"))), 200);
  });

  const events = createRoute({
    method: "get",
    path: "/runs/{id}/events",
    ...asks("read", TAG, "What happened to a run, rising by sequence"),
    request: { params, query: z.object({ after: z.coerce.number().int().min(0).default(0) }) },
    responses: { 200: json("Those after `after`", z.object({ events: z.array(eventSchema) })), ...problems },
  });
  api.openapi(events, async (c) => {
    const run = await tminus.findRun(c.req.valid("param").id);
    const found = await tminus.events(run.id, c.req.valid("query").after);
    return c.json({ events: found.map(eventResource) }, 200);
  });

  const attempts = createRoute({
    method: "get",
    path: "/runs/{id}/attempts",
    ...asks("read", TAG, "What was tried of each step, in the order in which it began"),
    request: { params },
    responses: { 200: json("The attempts", z.object({ attempts: z.array(attemptSchema) })), ...problems },
  });
  api.openapi(attempts, async (c) => {
    const run = await tminus.findRun(c.req.valid("param").id);
    return c.json({ attempts: (await tminus.attempts(run.id)).map(attemptResource) }, 200);
  });

  const sources = createRoute({
    method: "get",
    path: "/runs/{id}/sources",
    ...asks("read", TAG, "How the sources of measured series are declared that the run asks, by name"),
    request: { params },
    responses: {
      200: json("References in place of secrets", z.object({ sources: z.record(z.string(), sourceSchema) })),
      ...problems,
    },
  });
  api.openapi(sources, async (c) => {
    const run = await tminus.findRun(c.req.valid("param").id);
    return c.json({ sources: await tminus.sources(run.id) }, 200);
  });

  const watched = createRoute({
    method: "get",
    path: "/runs/{id}/watched",
    ...asks("read", TAG, "What the steps that watch rules have seen: series, bounds, and how they decide"),
    request: { params, query: z.object({ step: z.string().optional() }) },
    responses: {
      200: json("In the order of the plan", z.object({ steps: z.array(z.unknown()) })),
      ...problems,
    },
  });
  api.openapi(watched, async (c) => {
    const run = await tminus.findRun(c.req.valid("param").id);
    return c.json({ steps: await tminus.watched(run.id, c.req.valid("query").step) }, 200);
  });

  const preview = createRoute({
    method: "get",
    path: "/runs/{id}/rollback-preview",
    ...asks(
      "read",
      TAG,
      "What rolling back would do and lose from here; what is not found out in 10 s is unknown",
    ),
    request: { params },
    responses: { 200: json("In its order", z.object({ lines: z.array(rollbackLineSchema) })), ...problems },
  });
  api.openapi(preview, async (c) => {
    const run = await tminus.findRun(c.req.valid("param").id);
    const lines = await tminus.previewRollback(run.id, deadline(PREVIEW_MS, closing));
    return c.json({ lines }, 200);
  });

  const changes = createRoute({
    method: "get",
    path: "/runs/{id}/changes",
    ...asks("read", TAG, "How the plan differs from the one of this release that was approved before"),
    request: { params },
    responses: {
      200: json(
        "null when none was approved before",
        z.object({
          changes: z
            .object({
              runId: z.string(),
              planHash: z.string(),
              by: z.string(),
              at: z.iso.datetime(),
              changes: z.array(z.string()),
            })
            .nullable(),
        }),
      ),
      ...problems,
    },
  });
  api.openapi(changes, async (c) => {
    const run = await tminus.findRun(c.req.valid("param").id);
    const before = await tminus.changesSinceApproval(run.id);
    return c.json({ changes: before === undefined ? null : { ...before, at: before.at.toISOString() } }, 200);
  });

  const log = createRoute({
    method: "get",
    path: "/runs/{id}/log",
    ...asks("read", TAG, "The deploy log, in Markdown"),
    request: { params },
    responses: { 200: text("The log", "text/markdown"), ...problems },
  });
  api.openapi(log, async (c) => {
    const run = await tminus.findRun(c.req.valid("param").id);
    const markdown = deployLog(await recordOf(tminus, run));
    return c.body(markdown, 200, { "content-type": "text/markdown; charset=utf-8" });
  });

  const signal = createRoute({
    method: "post",
    path: "/runs/{id}/signals",
    ...asks(
      "read",
      TAG,
      "Tell the run something: approve, hold, resume, abort, roll back …; it reads it at its own pace",
    ),
    request: { params, body: body(signalBodySchema) },
    responses: {
      202: json("Written down; whether it counts is the run's to say", z.object({ run: z.string() })),
      ...problems,
    },
  });
  api.openapi(signal, async (c) => {
    const said = c.req.valid("json");
    requirePermitted(c.get("who"), permissionOf[said.kind]);
    const run = await tminus.findRun(c.req.valid("param").id);
    await tminus.send(run.id, said, signedIn(c.get("who")));
    return c.json({ run: run.id }, 202);
  });

  async function resourceOf(run: Run, who: Actor): Promise<RunResource> {
    const refusals = await tminus.refusals(run, who);
    const { plan } = run;
    const starter = withoutEmails(run.starter);
    return { ...runSummary(listedRun(run)), plan, starter, allowedActions: runActions(who, refusals) };
  }
}
