import { TminusError } from "../../errors.ts";
import { followUpName } from "../../model/follow-up.ts";
import { asks, body, createRoute, json, problems, z, type Api } from "../api.ts";
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
    responses: { 200: json("The open ones", z.object({ tasks: z.array(taskSchema) })), ...problems },
  });
  api.openapi(list, async (c) => {
    const now = clock.now();
    return c.json({ tasks: (await tminus.followUps()).map((task) => taskResource(task, now)) }, 200);
  });

  const close = createRoute({
    method: "post",
    path: "/tasks/{name}/close",
    ...asks("operate", TAG, "State by name that it is done"),
    request: {
      params: z.object({ name: z.string() }),
      body: body(z.strictObject({ note: z.string().max(5000) })),
    },
    responses: { 200: json("The task", taskSchema), ...problems },
  });
  api.openapi(close, async (c) => {
    const { name } = c.req.valid("param");
    const task = (await tminus.followUps()).find((one) => followUpName(one) === name);
    const { note } = c.req.valid("json");
    if (task === undefined || !(await tminus.closeFollowUp(task.id, { note }, signedIn(c.get("who")))))
      throw new TminusError("RESOURCE_UNKNOWN", `there is no open task ${name}`);
    return c.json(taskResource(task, clock.now()), 200);
  });
}
