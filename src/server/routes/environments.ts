import { TminusError } from "../../errors.ts";
import type { Actor } from "../../model/actor.ts";
import { listedRun } from "../../model/run-list.ts";
import type { EnvironmentStatus } from "../../model/tminus.ts";
import { environmentActions } from "../allowed-actions.ts";
import { asks, body, createRoute, json, problems, z, type Api } from "../api.ts";
import { environmentSchema, windowsSchema, type EnvironmentResource } from "../contract/environment.ts";
import { signedIn } from "../middleware/permit.ts";
import { freezeResource, runSummary, taskResource } from "../resources.ts";
import type { ServerPorts } from "../server-ports.ts";

const TAG = "Environments";
const params = z.object({ name: z.string().openapi({ description: "Of the environment" }) });

export function addEnvironments(api: Api, { tminus, clock }: ServerPorts): void {
  const list = createRoute({
    method: "get",
    path: "/environments",
    ...asks("read", TAG, "What is live and what runs, in every environment"),
    responses: {
      200: json("In the order of the runbook", z.object({ environments: z.array(environmentSchema) })),
      ...problems,
    },
  });
  api.openapi(list, async (c) => {
    const who = signedIn(c.get("who"));
    const all = await tminus.status();
    const environments = await Promise.all(all.map((status) => resourceOf(status, who)));
    return c.json({ environments }, 200);
  });

  const read = createRoute({
    method: "get",
    path: "/environments/{name}",
    ...asks("read", TAG, "What is live and what runs in one environment"),
    request: { params },
    responses: { 200: json("As it is now", environmentSchema), ...problems },
  });
  api.openapi(read, async (c) => {
    const [status] = await tminus.status(known(c.req.valid("param").name));
    return c.json(await resourceOf(status!, signedIn(c.get("who"))), 200);
  });

  const windows = createRoute({
    method: "get",
    path: "/environments/{name}/windows",
    ...asks("read", TAG, "What keeps deploys out now, when it opens, and which freezes there are"),
    request: { params },
    responses: { 200: json("As it is now", windowsSchema), ...problems },
  });
  api.openapi(windows, async (c) => {
    const found = await tminus.windows(known(c.req.valid("param").name));
    const who = signedIn(c.get("who"));
    return c.json({ ...found, freezes: found.freezes.map((freeze) => freezeResource(freeze, who)) }, 200);
  });

  const unlock = createRoute({
    method: "post",
    path: "/environments/{name}/unlock",
    ...asks("operate", TAG, "Let releases in again after one was rolled back"),
    request: {
      params,
      body: body(
        z.strictObject({
          reason: z.string().trim().min(1).max(1000),
          lock: z
            .int()
            .optional()
            .openapi({ description: "Id of the lock that is meant; the one that holds when left out" }),
        }),
      ),
    },
    responses: {
      200: json(
        "isUnlocked: false when somebody else unlocked it meanwhile",
        z.object({ environment: z.string(), isUnlocked: z.boolean() }),
      ),
      ...problems,
    },
  });
  api.openapi(unlock, async (c) => {
    const environment = known(c.req.valid("param").name);
    const { reason, lock: wanted } = c.req.valid("json");
    const lock = await tminus.lock(environment);
    if (lock === undefined && wanted === undefined)
      throw new TminusError("USAGE_INVALID", `${environment} is not locked`);
    const isMeant = lock !== undefined && (wanted === undefined || wanted === lock.id);
    const isUnlocked = isMeant && (await tminus.unlock(lock, reason, signedIn(c.get("who"))));
    return c.json({ environment, isUnlocked }, 200);
  });

  function known(name: string): string {
    return tminus.environment(name).name;
  }

  async function resourceOf(status: EnvironmentStatus, who: Actor): Promise<EnvironmentResource> {
    const { environment: name, url, traffic, active, last, lease, lock, overdueItems, overdueTasks } = status;
    const { standing } = await tminus.windows(name);
    const now = clock.now();
    const { protected: isProtected, emergency } = tminus.environment(name);
    return {
      name,
      url,
      isProtected,
      traffic,
      active: active.map((run) => runSummary(listedRun(run))),
      ...(last === undefined ? {} : { last: runSummary(listedRun(last)) }),
      ...(lock === undefined
        ? {}
        : {
            lock: {
              id: lock.id,
              runId: lock.runId,
              release: lock.release,
              ...(lock.stepId === undefined ? {} : { stepId: lock.stepId }),
              reason: lock.reason,
              hadTraffic: lock.hadTraffic,
              at: lock.at.toISOString(),
            },
          }),
      ...(lease === undefined
        ? {}
        : {
            worker: {
              name: lease.worker,
              runId: lease.runId,
              token: lease.token,
              acquiredAt: lease.acquiredAt.toISOString(),
              heartbeatAt: lease.heartbeatAt.toISOString(),
            },
          }),
      overdueItems: overdueItems.map(({ dueAt, ...item }) => ({ ...item, dueAt: dueAt.toISOString() })),
      overdueTasks: overdueTasks.map((task) => taskResource(task, now, who)),
      windows: standing,
      allowedActions: environmentActions(who, status, standing, emergency !== undefined),
    };
  }
}
