import type { Context } from "hono";
import { deadline } from "../../lib/clock.ts";
import { TminusError } from "../../errors.ts";
import { planHash } from "../../model/plan-hash.ts";
import type { Plan } from "../../model/plan.ts";
import { blockingReasons, isBlocked, planSummary } from "../../report/plan-text.ts";
import { listedRun } from "../../model/run-list.ts";
import { asks, body, createRoute, json, problems, z, type Api, type ApiEnvironment } from "../api.ts";
import { madePlanSchema, planResourceSchema, type MadePlanResource } from "../contract/plan.ts";
import { runSummarySchema } from "../contract/run.ts";
import { signedIn } from "../middleware/permit.ts";
import { planActions } from "../allowed-actions.ts";
import { answerAsEvents } from "../answer-as-events.ts";
import { runSummary } from "../resources.ts";
import type { ServerPorts } from "../server-ports.ts";

const TAG = "Plans";
const PLAN_MS = 600_000;

const wantedSchema = z.strictObject({
  environment: z.string(),
  release: z.string().min(1).max(200),
  purpose: z.enum(["deploy", "rollback"]).default("deploy"),
  inEmergency: z
    .boolean()
    .default(false)
    .openapi({ description: "Whether it is to rest on the emergency that is declared" }),
  at: z.string().max(100).optional().openapi({ example: "2026-12-01 10:00 America/New_York" }),
});
type Wanted = z.output<typeof wantedSchema>;

/** A plan is made, read by people, and sent back as it was to be started. */
export function addPlans(api: Api, { tminus, closing, log }: ServerPorts): void {
  const make = createRoute({
    method: "post",
    path: "/plans",
    ...asks("operate", TAG, "Make a plan, which changes nothing; a blocked one is returned with its reasons"),
    request: { body: body(wantedSchema) },
    responses: { 200: json("The plan", madePlanSchema), ...problems },
  });
  api.openapi(make, async (c) => c.json(await madeOf(c, c.req.valid("json"), () => undefined), 200));

  const tell = createRoute({
    method: "post",
    path: "/plans/told",
    ...asks("operate", TAG, "Make a plan, and tell what is being looked at until it is there"),
    request: { body: body(wantedSchema) },
    responses: {
      200: {
        description: "Server-sent events: progress, and at the end result, as of POST /plans, or error",
        content: { "text/event-stream": { schema: z.string() } },
      },
      ...problems,
    },
  });
  api.openapi(tell, (c) => answerAsEvents(c, log, (progress) => madeOf(c, c.req.valid("json"), progress)));

  const check = createRoute({
    method: "post",
    path: "/plans/check",
    ...asks("operate", TAG, "Whether a plan could still be started: refused as starting it would be"),
    request: {
      body: body(
        z.strictObject({
          plan: planResourceSchema,
          of: z.enum(["inputs", "window"]).openapi({
            description:
              "inputs: what it was made from, for which it is made again; window: whether it may begin now",
          }),
        }),
      ),
    },
    responses: { 200: json("It could", z.object({ plan: z.string() })), ...problems },
  });
  api.openapi(check, async (c) => {
    const { plan, of } = c.req.valid("json");
    requireWhole(plan);
    await (of === "window" ? tminus.checkWindow(plan) : tminus.checkPlan(plan, limitOf(c)));
    return c.json({ plan: plan.hash }, 200);
  });

  const start = createRoute({
    method: "post",
    path: "/runs",
    ...asks(
      "operate",
      TAG,
      "Start exactly this plan; refused when anything that it was made from has changed",
    ),
    request: {
      body: body(z.strictObject({ plan: planResourceSchema, waitForWindow: z.boolean().default(false) })),
    },
    responses: { 201: json("The run", runSummarySchema), ...problems },
  });
  api.openapi(start, async (c) => {
    const { plan, waitForWindow } = c.req.valid("json");
    requireWhole(plan);
    const who = signedIn(c.get("who"));
    await tminus.checkPlan(plan, deadline(PLAN_MS, closing));
    const run = await tminus.start(plan, who, { waitForWindow });
    log(`${who.name} started run ${run.id}`);
    return c.json(runSummary(listedRun(run)), 201);
  });

  async function madeOf(
    c: Context<ApiEnvironment>,
    { at, ...wanted }: Wanted,
    progress: (text: string) => void,
  ): Promise<MadePlanResource> {
    const signal = limitOf(c);
    const who = signedIn(c.get("who"));
    const plan = await tminus.plan({ ...wanted, ...(at === undefined ? {} : { at }), signal, progress });
    const blocked = blockingReasons(plan);
    return {
      plan,
      isBlocked: isBlocked(plan),
      blocked,
      summary: planSummary(plan),
      allowedActions: planActions(who, plan, blocked),
    };
  }

  function limitOf(c: Context): AbortSignal {
    return deadline(PLAN_MS, AbortSignal.any([closing, c.req.raw.signal]));
  }
}

function requireWhole(plan: Plan): void {
  if (planHash(plan) !== plan.hash)
    throw new TminusError("PLAN_UNREADABLE", "the plan's content does not match its hash");
}
