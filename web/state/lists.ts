import type { EnvironmentResource, TaskResource } from "../../src/server/contract/environment.ts";
import { resource } from "./resource.ts";

/** What more than one page shows; asked again when an event says that it changed. */
export const environments = resource<{ environments: EnvironmentResource[] }>(() => "/environments", 3000);
export const tasks = resource<{ tasks: TaskResource[] }>(() => "/tasks", 5000);

/** Asks for those anew that the page at the address shows; other pages do without until they are left. */
export function refreshLists(path: string): void {
  const isNow = path === "/" || path === "/setup";
  if (isNow || path === "/calendar") environments.refresh();
  if (isNow) tasks.refresh();
}
