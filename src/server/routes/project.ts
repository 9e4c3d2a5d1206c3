import { auditVerdict } from "../../audit/verdict.ts";
import { openVerification } from "../../audit/verify.ts";
import { deadline } from "../../lib/clock.ts";
import { insightsOf, insightsSince } from "../../report/insights.ts";
import { asks, createRoute, json, problems, z, type Api } from "../api.ts";
import { checkSchema } from "../contract/environment.ts";
import { auditSchema, insightsSchema } from "../contract/project.ts";
import type { ServerPorts } from "../server-ports.ts";

const TAG = "Project";
const CHECKS_MS = 30_000;
/** Of 90 days; with more the span is shorter, and the answer says so. */
const MOST_DEPLOYS = 10_000;

export function addProject(api: Api, { tminus, closing, clock }: ServerPorts): void {
  const checks = createRoute({
    method: "get",
    path: "/checks",
    ...asks("read", TAG, "Whether everything that tminus needs is there and answers"),
    responses: { 200: json("The checks", z.object({ checks: z.array(checkSchema) })), ...problems },
  });
  api.openapi(checks, async (c) =>
    c.json({ checks: await tminus.doctor(deadline(CHECKS_MS, closing)) }, 200),
  );

  const audit = createRoute({
    method: "get",
    path: "/audit",
    ...asks("read", TAG, "Verify the project's log and every run's, without the evidence"),
    responses: { 200: json("What was found", auditSchema), ...problems },
  });
  api.openapi(audit, async (c) => {
    const reading = await tminus.anchors(deadline(CHECKS_MS, closing));
    const verification = openVerification(reading?.anchors ?? []);
    for await (const record of tminus.audit({ evidence: false })) {
      closing.throwIfAborted();
      verification.add(record);
    }
    const report = verification.report();
    const { entries, events, runs } = report;
    return c.json(
      {
        ...auditVerdict(report, reading),
        entries,
        events,
        runs,
        problems: report.problems.map(({ text }) => text),
      },
      200,
    );
  });

  const insights = createRoute({
    method: "get",
    path: "/insights",
    ...asks("read", TAG, "How often is deployed, how often that fails, and how long it takes to recover"),
    request: { query: z.object({ environment: z.string().optional() }) },
    responses: { 200: json("Of the last 90 days", insightsSchema), ...problems },
  });
  api.openapi(insights, async (c) => {
    const { environment } = c.req.valid("query");
    const now = clock.now();
    const deploys = await tminus.endedDeploys({
      since: insightsSince(now),
      limit: MOST_DEPLOYS,
      ...(environment === undefined ? {} : { environment: tminus.environment(environment).name }),
    });
    return c.json(insightsOf(deploys, now, { isCut: deploys.length === MOST_DEPLOYS }), 200);
  });
}
