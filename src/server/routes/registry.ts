import type { Api } from "../api.ts";
import type { ServerPorts } from "../server-ports.ts";
import { addCalendar } from "./calendar.ts";
import { addEmergencies } from "./emergencies.ts";
import { addEnvironments } from "./environments.ts";
import { addEvents } from "./events.ts";
import { addEvidence } from "./evidence.ts";
import { addOverrides } from "./overrides.ts";
import { addPeople } from "./people.ts";
import { addPlans } from "./plans.ts";
import { addProject } from "./project.ts";
import { addRuns } from "./runs.ts";
import { addTasks } from "./tasks.ts";

/** Every group of routes that ask who calls them, in the order of the document. */
export const routes: readonly ((api: Api, ports: ServerPorts) => void)[] = [
  addEnvironments,
  addPlans,
  addRuns,
  addEvents,
  addCalendar,
  addOverrides,
  addEmergencies,
  addTasks,
  addEvidence,
  addPeople,
  addProject,
];
