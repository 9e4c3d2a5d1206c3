import type { Clock } from "../lib/clock.ts";
import type { RunCalendar } from "../engine/ports.ts";
import type { CalendarRules } from "../model/calendar.ts";
import type { Run } from "../model/run.ts";
import { activeEmergencies } from "../store/emergencies.ts";
import type { Pool } from "../store/pool.ts";
import { readRunContext } from "../store/runs.ts";
import { freezesIn, openCalendar, standingOf, type CalendarPlace } from "./calendar.ts";
import { runContextSchema } from "./run-context.ts";
import { beginsAt } from "./timeline.ts";

/** A worker's calendar: the rules that each run was made with, and the freezes that are declared now. */
export function openRunCalendar(pool: Pool, clock: Clock): RunCalendar {
  const rulesOf = async ({ id }: Run): Promise<CalendarRules> =>
    runContextSchema.parse(await readRunContext(pool, id)).calendar;
  return {
    async standing(run) {
      const rules = await rulesOf(run);
      const place = placeOf(pool, run);
      return standingOf(
        rules,
        await openCalendar(rules, await freezesIn(place)),
        place,
        beginsAt(run.plan.scheduled, clock.now()),
      );
    },

    async isEmergencyOn({ plan, environment }) {
      const active = await activeEmergencies(pool, plan.project, environment);
      return active.some(({ id }) => id === plan.emergency?.id);
    },

    async freezesNow(run) {
      const calendar = await openCalendar(await rulesOf(run), await freezesIn(placeOf(pool, run)));
      const freezes = calendar.freezesAt(clock.now().getTime());
      return freezes.map(({ id, reason, end }) => ({ id, reason, until: new Date(end) }));
    },
  };
}

function placeOf(pool: Pool, { plan, environment }: Run): CalendarPlace {
  return { pool, project: plan.project, environment };
}
