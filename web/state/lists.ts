import type { EnvironmentResource, TaskResource } from "../../src/server/contract/environment.ts";
import { resource } from "./resource.ts";

/** What more than one page shows; asked again when an event says that it changed. */
export const environments = resource<{ environments: EnvironmentResource[] }>(() => "/environments", 3000);
/** Other pages do without until they are left. */
export function areShown(path: string): boolean {
  return path === "/" || path === "/calendar";
}
export const tasks = resource<{ tasks: TaskResource[] }>(() => "/tasks", 5000);
