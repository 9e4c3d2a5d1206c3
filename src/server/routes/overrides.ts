import { asks, body, createRoute, json, problems, z, type Api } from "../api.ts";
import { environmentNamed } from "../environment-named.ts";
import { overrideSchema, wordBody } from "../contract/word.ts";
import { signedIn } from "../middleware/permit.ts";
import { overrideResource } from "../resources.ts";
import type { ServerPorts } from "../server-ports.ts";

const TAG = "Overrides";

/** Gates that need not pass, for a time, by somebody's word. */
export function addOverrides(api: Api, { tminus }: ServerPorts): void {
  const list = createRoute({
    method: "get",
    path: "/overrides",
    ...asks("read", TAG, "Gates that need not pass now, the oldest word first"),
    request: { query: z.object({ environment: z.string().optional() }) },
    responses: {
      200: json("Those that hold", z.object({ overrides: z.array(overrideSchema) })),
      ...problems,
    },
  });
  api.openapi(list, async (c) => {
    const { environment } = c.req.valid("query");
    const found = await tminus.overrides(environmentNamed(tminus, environment));
    const who = signedIn(c.get("who"));
    return c.json({ overrides: found.map((one) => overrideResource(one, who)) }, 200);
  });

  const make = createRoute({
    method: "post",
    path: "/overrides",
    ...asks("approve", TAG, "Let a gate pass that does not, for plans that are made from now on"),
    request: { body: body(z.strictObject({ ...wordBody, gate: z.string().max(200) })) },
    responses: { 201: json("The override", overrideSchema), ...problems },
  });
  api.openapi(make, async (c) => {
    const wanted = c.req.valid("json");
    tminus.environment(wanted.environment);
    const who = signedIn(c.get("who"));
    return c.json(overrideResource(await tminus.override(wanted, who), who), 201);
  });

  const end = createRoute({
    method: "delete",
    path: "/overrides/{environment}/{gate}",
    ...asks("stop", TAG, "A gate has to pass again; may be repeated"),
    request: { params: z.object({ environment: z.string(), gate: z.string() }) },
    responses: { 200: json("How many were ended", z.object({ ended: z.int() })), ...problems },
  });
  api.openapi(end, async (c) => {
    const { environment, gate } = c.req.valid("param");
    const { name } = tminus.environment(environment);
    return c.json({ ended: await tminus.endOverrides(name, gate, signedIn(c.get("who"))) }, 200);
  });
}
