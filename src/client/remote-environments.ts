import { TminusError } from "../errors.ts";
import { freezeName } from "../model/freeze.ts";
import { followUpName } from "../model/follow-up.ts";
import type { EnvironmentStatus, EnvironmentWindows, Tminus } from "../model/tminus.ts";
import type {
  EnvironmentResource,
  FreezeResource,
  TaskResource,
  WindowsResource,
} from "../server/contract/environment.ts";
import type { EmergencyResource, OverrideResource } from "../server/contract/word.ts";
import type { Connection } from "./connection.ts";
import { query } from "./query.ts";
import { emergencyOf, followUpOf, freezeOf, known, leaseOf, lockOf, overrideOf } from "./revive.ts";

type EnvironmentCalls = Pick<
  Tminus,
  | "status"
  | "lease"
  | "lock"
  | "unlock"
  | "override"
  | "overrides"
  | "endOverrides"
  | "declareEmergency"
  | "emergencies"
  | "endEmergencies"
  | "followUps"
  | "closeFollowUp"
  | "windows"
  | "freeze"
  | "freezes"
  | "thaw"
  | "exportWindows"
>;

/** What is asked of environments, and what people say about them. */
export function remoteEnvironments(
  connection: Connection,
  { findRun }: Pick<Tminus, "findRun">,
): EnvironmentCalls {
  const read = (name: string): Promise<EnvironmentResource> =>
    connection.get<EnvironmentResource>(`/environments/${encodeURIComponent(name)}`);
  const list = <Answer>(noun: string, environment: string | undefined): Promise<Answer> =>
    connection.get<Answer>(`/${noun}${query({ environment })}`);

  return {
    async status(name) {
      const all =
        name === undefined
          ? (await connection.get<{ environments: EnvironmentResource[] }>("/environments")).environments
          : [await read(name)];
      const statuses: EnvironmentStatus[] = [];
      for (const one of all) statuses.push(await statusOf(one));
      return statuses;
    },
    lease: async (name) => leaseOf(await read(name)),
    lock: async (name) => lockOf(await read(name)),
    async unlock({ id, environment }, reason) {
      const path = `/environments/${encodeURIComponent(environment)}/unlock`;
      return (await connection.send<{ isUnlocked: boolean }>("POST", path, { reason, lock: id })).isUnlocked;
    },
    override: async (wanted) =>
      overrideOf(await connection.send<OverrideResource>("POST", "/overrides", wanted)),
    overrides: async (name) =>
      (await list<{ overrides: OverrideResource[] }>("overrides", name)).overrides.map(overrideOf),
    endOverrides: async (name, gate) =>
      ended(`/overrides/${encodeURIComponent(name)}/${encodeURIComponent(gate)}`),
    declareEmergency: async (wanted) =>
      emergencyOf(await connection.send<EmergencyResource>("POST", "/emergencies", wanted)),
    emergencies: async (name) =>
      (await list<{ emergencies: EmergencyResource[] }>("emergencies", name)).emergencies.map(emergencyOf),
    endEmergencies: async (name) => ended(`/emergencies/${encodeURIComponent(name)}`),
    followUps: async (name) => (await list<{ tasks: TaskResource[] }>("tasks", name)).tasks.map(followUpOf),
    async closeFollowUp(id, said) {
      const path = `/tasks/${followUpName({ id })}/close`;
      return (await connection.send<{ isClosed: boolean }>("POST", path, said)).isClosed;
    },
    async windows(name): Promise<EnvironmentWindows> {
      const path = `/environments/${encodeURIComponent(name)}/windows`;
      const found = await connection.get<WindowsResource>(path);
      return { ...found, freezes: found.freezes.map(freezeOf) };
    },
    freeze: async (wanted) => freezeOf(await connection.send<FreezeResource>("POST", "/freezes", wanted)),
    freezes: async (name) =>
      (await list<{ freezes: FreezeResource[] }>("freezes", name)).freezes.map(freezeOf),
    async thaw(freeze, reason) {
      const path = `/freezes/${freezeName(freeze)}`;
      return (await connection.send<{ isLifted: boolean }>("DELETE", path, { reason })).isLifted;
    },
    async exportWindows(environment) {
      const text = await connection.getText(`/calendar.ics${query({ environment })}`);
      if (text.startsWith("BEGIN:VCALENDAR")) return text;
      throw new TminusError("SERVER_SILENT", `${connection.url.origin} answered with no calendar`);
    },
  };

  async function ended(path: string): Promise<number> {
    return (await connection.send<{ ended: number }>("DELETE", path)).ended;
  }

  async function statusOf(one: EnvironmentResource): Promise<EnvironmentStatus> {
    const { name: environment, url, traffic, active, last, overdueItems, overdueTasks } = one;
    const runs = [];
    for (const { id } of active) runs.push(await findRun(id));
    return {
      environment,
      url,
      traffic,
      active: runs,
      ...known({
        last: last === undefined ? undefined : await findRun(last.id),
        lease: leaseOf(one),
        lock: lockOf(one),
      }),
      overdueItems: overdueItems.map(({ dueAt, owner, ...item }) => ({
        ...item,
        ...known({ owner }),
        dueAt: new Date(dueAt),
      })),
      overdueTasks: overdueTasks.map(followUpOf),
    };
  }
}
