import { TminusError } from "../../errors.ts";
import { freezeName } from "../../model/freeze.ts";
import { permissionOf } from "../../model/permission.ts";
import { asks, body, createRoute, json, problems, z, type Api } from "../api.ts";
import { environmentNamed } from "../environment-named.ts";
import { freezeSchema } from "../contract/environment.ts";
import { signedIn } from "../middleware/permit.ts";
import { freezeResource } from "../resources.ts";
import type { ServerPorts } from "../server-ports.ts";

const TAG = "Calendar";
const reason = z.string().trim().min(1).max(1000);
const time = z.string().max(100);

export function addCalendar(api: Api, { tminus }: ServerPorts): void {
  const declare = createRoute({
    method: "post",
    path: "/freezes",
    ...asks(permissionOf.freeze, TAG, "Deploy nothing more until a time; going back stays possible"),
    request: {
      body: body(
        z.strictObject({
          environment: z.string().optional().openapi({ description: "Every environment when left out" }),
          reason,
          from: time.optional().openapi({ description: "Now when left out" }),
          until: time.openapi({ example: "4h" }),
        }),
      ),
    },
    responses: { 201: json("The freeze", freezeSchema), ...problems },
  });
  api.openapi(declare, async (c) => {
    const { environment, from, ...wanted } = c.req.valid("json");
    const request = {
      ...wanted,
      ...(environment === undefined ? {} : { environment: tminus.environment(environment).name }),
      ...(from === undefined ? {} : { from }),
    };
    const who = signedIn(c.get("who"));
    return c.json(freezeResource(await tminus.freeze(request, who), who), 201);
  });

  const list = createRoute({
    method: "get",
    path: "/freezes",
    ...asks("read", TAG, "Declared freezes that are neither over nor lifted"),
    request: { query: z.object({ environment: z.string().optional() }) },
    responses: { 200: json("The freezes", z.object({ freezes: z.array(freezeSchema) })), ...problems },
  });
  api.openapi(list, async (c) => {
    const found = await tminus.freezes(environmentNamed(tminus, c.req.valid("query").environment));
    const who = signedIn(c.get("who"));
    return c.json({ freezes: found.map((freeze) => freezeResource(freeze, who)) }, 200);
  });

  const lift = createRoute({
    method: "delete",
    path: "/freezes/{name}",
    ...asks(permissionOf.thaw, TAG, "End a freeze before its time"),
    request: { params: z.object({ name: z.string() }), body: body(z.strictObject({ reason })) },
    responses: {
      200: json(
        "isLifted: false when somebody else lifted it meanwhile",
        z.object({ name: z.string(), isLifted: z.boolean() }),
      ),
      ...problems,
    },
  });
  api.openapi(lift, async (c) => {
    const { name } = c.req.valid("param");
    const freeze = (await tminus.freezes()).find((one) => freezeName(one) === name);
    const who = signedIn(c.get("who"));
    if (freeze === undefined) throw new TminusError("USAGE_INVALID", `there is no freeze ${name} that holds`);
    return c.json({ name, isLifted: await tminus.thaw(freeze, c.req.valid("json").reason, who) }, 200);
  });

  const feed = createRoute({
    method: "get",
    path: "/calendar.ics",
    ...asks("read", TAG, "A year of windows and freezes as iCalendar"),
    request: { query: z.object({ environment: z.string().optional() }) },
    responses: {
      200: { description: "The calendar", content: { "text/calendar": { schema: z.string() } } },
      ...problems,
    },
  });
  api.openapi(feed, async (c) =>
    c.body(await tminus.exportWindows(environmentNamed(tminus, c.req.valid("query").environment)), 200, {
      "content-type": "text/calendar; charset=utf-8",
    }),
  );
}
