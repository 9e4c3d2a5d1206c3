import { asks, body, createRoute, json, problems, z, type Api } from "../api.ts";
import { environmentNamed } from "../environment-named.ts";
import { emergencySchema, wordBody } from "../contract/word.ts";
import { signedIn } from "../middleware/permit.ts";
import { emergencyResource } from "../resources.ts";
import type { ServerPorts } from "../server-ports.ts";

const TAG = "Emergencies";

/** Environments that may be deployed to at any time, with less asked beforehand. */
export function addEmergencies(api: Api, { tminus }: ServerPorts): void {
  const list = createRoute({
    method: "get",
    path: "/emergencies",
    ...asks("read", TAG, "Emergencies that hold now, the oldest first"),
    request: { query: z.object({ environment: z.string().optional() }) },
    responses: {
      200: json("Those that hold", z.object({ emergencies: z.array(emergencySchema) })),
      ...problems,
    },
  });
  api.openapi(list, async (c) => {
    const { environment } = c.req.valid("query");
    const name = environmentNamed(tminus, environment);
    const who = signedIn(c.get("who"));
    const found = await tminus.emergencies(name);
    return c.json({ emergencies: found.map((one) => emergencyResource(one, who)) }, 200);
  });

  const declare = createRoute({
    method: "post",
    path: "/emergencies",
    ...asks("approve", TAG, "Let an environment be deployed to at any time, with less asked beforehand"),
    request: { body: body(z.strictObject(wordBody)) },
    responses: { 201: json("The emergency", emergencySchema), ...problems },
  });
  api.openapi(declare, async (c) => {
    const who = signedIn(c.get("who"));
    return c.json(emergencyResource(await tminus.declareEmergency(c.req.valid("json"), who), who), 201);
  });

  const end = createRoute({
    method: "delete",
    path: "/emergencies/{environment}",
    ...asks("stop", TAG, "End the emergencies of an environment before their time; may be repeated"),
    request: { params: z.object({ environment: z.string() }) },
    responses: { 200: json("How many were ended", z.object({ ended: z.int() })), ...problems },
  });
  api.openapi(end, async (c) => {
    const { name } = tminus.environment(c.req.valid("param").environment);
    return c.json({ ended: await tminus.endEmergencies(name, signedIn(c.get("who"))) }, 200);
  });
}
