import { TminusError } from "../../errors.ts";
import { attachmentSchema } from "../../model/evidence.ts";
import { idOfFollowUp } from "../../model/follow-up.ts";
import { asks, body, createRoute, json, problems, z, type Api } from "../api.ts";
import { environmentNamed } from "../environment-named.ts";
import { taskSchema } from "../contract/environment.ts";
import { signedIn } from "../middleware/permit.ts";
import { taskResource } from "../resources.ts";
import type { ServerPorts } from "../server-ports.ts";

const TAG = "Tasks";

export function addTasks(api: Api, { tminus, clock }: ServerPorts): void {
  const list = createRoute({
    method: "get",
    path: "/tasks",
    ...asks("read", TAG, "What is still to be done after deploys, the first due at the front"),
    request: { query: z.object({ environment: z.string().optional() }) },
    responses: { 200: json("The open ones", z.object({ tasks: z.array(taskSchema) })), ...problems },
  });
  api.openapi(list, async (c) => {
    const now = clock.now();
    const { environment } = c.req.valid("query");
    const name = environmentNamed(tminus, environment);
    const who = signedIn(c.get("who"));
    const tasks = (await tminus.followUps(name)).map((task) => taskResource(task, now, who));
    return c.json({ tasks }, 200);
  });

  const close = createRoute({
    method: "post",
    path: "/tasks/{name}/close",
    ...asks("operate", TAG, "State by name that it is done"),
    request: {
      params: z.object({ name: z.string() }),
      body: body(z.strictObject({ note: z.string().max(5000), attachment: attachmentSchema.optional() })),
    },
    responses: {
      200: json(
        "isClosed: false when it was closed before",
        z.object({ name: z.string(), isClosed: z.boolean() }),
      ),
      ...problems,
    },
  });
  api.openapi(close, async (c) => {
    const { name } = c.req.valid("param");
    const id = idOfFollowUp(name);
    if (id === undefined) throw new TminusError("RESOURCE_UNKNOWN", `there is no task ${name}`);
    const { note, attachment } = c.req.valid("json");
    const said = { note, ...(attachment === undefined ? {} : { attachment }) };
    return c.json({ name, isClosed: await tminus.closeFollowUp(id, said, signedIn(c.get("who"))) }, 200);
  });
}
