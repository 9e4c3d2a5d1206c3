import { deadline } from "../../lib/clock.ts";
import { TminusError } from "../../errors.ts";
import { planHash } from "../../model/plan-hash.ts";

import { blockingReasons, isBlocked, planSummary } from "../../report/plan-text.ts";
import { asks, body, createRoute, json, problems, z, type Api } from "../api.ts";
import { planResourceSchema } from "../contract/plan.ts";
import { runSummarySchema } from "../contract/run.ts";
import { signedIn } from "../middleware/permit.ts";
import { runSummary } from "../resources.ts";
import type { ServerPorts } from "../server-ports.ts";

const TAG = "Plans";
const PLAN_MS = 600_000;

/** A plan is made, read by people, and sent back as it was to be started. */
export function addPlans(api: Api, { tminus, closing, log }: ServerPorts): void {
  const make = createRoute({
    method: "post",
    path: "/plans",
    ...asks("operate", TAG, "Make a plan, which changes nothing; a blocked one is returned with its reasons"),
    request: {
      body: body(
        z.strictObject({
          environment: z.string(),
          release: z.string().min(1).max(200),
          purpose: z.enum(["deploy", "rollback"]).default("deploy"),
          at: z.string().max(100).optional().openapi({ example: "2026-12-01 10:00 America/New_York" }),
        }),
      ),
    },
    responses: {
      200: json(
        "The plan",
        z.object({
          plan: planResourceSchema,
          isBlocked: z.boolean(),
          blocked: z.array(z.object({ where: z.string(), reason: z.string(), fix: z.string().optional() })),
          summary: z.string(),
        }),
      ),
      ...problems,
    },
  });
  api.openapi(make, async (c) => {
    const { at, ...wanted } = c.req.valid("json");
    const plan = await tminus.plan({
      ...wanted,
      ...(at === undefined ? {} : { at }),
      signal: deadline(PLAN_MS, AbortSignal.any([closing, c.req.raw.signal])),
      progress: () => undefined,
    });
    const blocked = blockingReasons(plan);
    return c.json({ plan, isBlocked: isBlocked(plan), blocked, summary: planSummary(plan) }, 200);
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
    if (planHash(plan) !== plan.hash)
      throw new TminusError("PLAN_UNREADABLE", "the plan's content does not match its hash");
    const who = signedIn(c.get("who"));
    await tminus.checkPlan(plan, deadline(PLAN_MS, closing));
    const run = await tminus.start(plan, who, { waitForWindow });
    log(`${who.name} started run ${run.id}`);
    return c.json(runSummary(run), 201);
  });
}
