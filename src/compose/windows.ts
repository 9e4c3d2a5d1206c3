import { systemClock } from "../lib/clock.ts";
import { TminusError, toErrorRecord } from "../errors.ts";
import { freezeName, MAX_FREEZE_DAYS, type FreezeRequest, type NewFreeze } from "../model/freeze.ts";
import type { Actor } from "../model/actor.ts";
import { mayBeKept, whyKeptOut } from "../model/kept-out.ts";
import type { Verb } from "../model/permission.ts";
import type { Plan } from "../model/plan.ts";
import type { EnvironmentWindows, Tminus } from "../model/tminus.ts";
import type { WindowStanding } from "../model/window-standing.ts";
import { resolveEnvironment } from "../runbook/resolve.ts";
import { declareFreeze, liftFreeze, openFreezes } from "../store/freezes.ts";
import type { Pool } from "../store/pool.ts";
import { freezesIn, hasRules, openCalendar, readRules, standingOf, type CalendarPlace } from "./calendar.ts";
import { findPool, type StatePlace } from "./state-place.ts";
import type { Project } from "./project.ts";
import { requirePermission } from "./require-permission.ts";
import { beginsAt } from "./timeline.ts";

const OPENINGS = 5;
const DAY_MS = 86_400_000;
const EXPORT_DAYS = 366;

type WindowCalls = Pick<
  Tminus,
  "checkWindow" | "checkFreeze" | "windows" | "freeze" | "freezes" | "thaw" | "exportWindows"
>;

/** What people ask about windows, and the freezes that they declare. */
export function openWindows(project: Project, place: StatePlace): WindowCalls {
  const clock = systemClock;
  const freezes = async (environment?: string): ReturnType<Tminus["freezes"]> => {
    const pool = await findPool(place);
    return pool === undefined ? [] : openFreezes(pool, place.project, environment);
  };
  /** In the environment, or in every one of the runbook. */
  const permitAll = async (environment: string | undefined, verb: Verb, actor: Actor): Promise<void> => {
    const names = environment === undefined ? Object.keys(project.runbook.environments) : [environment];
    const pool = await poolOf(place);
    for (const name of names)
      await requirePermission(pool, actor, verb, resolveEnvironment(project.runbook, name));
  };
  return {
    freezes,
    checkFreeze: (environment) => refuseWhenFrozen(project, place, environment),
    checkWindow: (plan) => refuseWhenClosed(project, place, plan),

    async windows(environment): Promise<EnvironmentWindows> {
      const rules = await readRules(project, environment);
      const now = clock.now();
      const at = await calendarPlace(place, environment);
      const declared = await freezesIn(at);
      const calendar = await openCalendar(rules, declared);
      const standing = await standingOf(rules, calendar, at, now);
      const { momentText } = await import("../calendar/standing-text.ts");
      const openings = [];
      let next = calendar.nextOpening(now.getTime());
      while (next !== undefined && openings.length < OPENINGS) {
        const end = calendar.at(next.start).closesAt;
        if (end === undefined) break; // it stays open
        const text = `${momentText(next.start, standing.zone)} to ${momentText(end, standing.zone)}`;
        openings.push({ start: new Date(next.start).toISOString(), end: new Date(end).toISOString(), text });
        next = calendar.nextOpening(end);
      }
      return { environment, standing, openings, freezes: declared };
    },

    async freeze(request, actor) {
      const freeze = await readFreeze(request, clock.now());
      await permitAll(freeze.environment, "freeze", actor);
      return declareFreeze(await poolOf(place), place.project, freeze, actor.name);
    },

    async thaw(freeze, reason, actor) {
      await permitAll(freeze.environment, "thaw", actor);
      return liftFreeze(await poolOf(place), freeze.id, actor.name, reason);
    },

    async exportWindows(environment) {
      const names = environment === undefined ? Object.keys(project.runbook.environments) : [environment];
      const { eventsOf } = await import("../calendar/events-to-write.ts");
      const { writeIcs } = await import("../calendar/write-ics.ts");
      const now = clock.now().getTime();
      const events = [];
      for (const name of names) {
        const rules = await readRules(project, name);
        const declared = (await freezes(name)).map((freeze) => ({ ...freeze, name: freezeName(freeze) }));
        events.push(
          ...eventsOf(
            { project: place.project, environment: name, rules, declared },
            now,
            now + EXPORT_DAYS * DAY_MS,
          ),
        );
      }
      return writeIcs(events, now);
    },
  };
}

/** How the windows stand at an instant for a plan; undefined when nothing keeps deploys out of the environment at any time. */
export async function windowOf(
  project: Project,
  place: StatePlace,
  environment: string,
  at: Date,
): Promise<WindowStanding | undefined> {
  const rules = await readRules(project, environment);
  const found = await calendarPlace(place, environment);
  const declared = await freezesIn(found);
  if (!hasRules(rules) && declared.length === 0) return undefined;
  return standingOf(rules, await openCalendar(rules, declared), found, at);
}

/** The same, and what blocks the plan when it could not be found out. */
export async function windowForPlan(
  project: Project,
  place: StatePlace,
  environment: string,
  at: Date,
): Promise<{ window?: WindowStanding; blocked: Plan["blocked"] }> {
  try {
    const window = await windowOf(project, place, environment, at);
    return { blocked: [], ...(window === undefined ? {} : { window }) };
  } catch (error) {
    const { message, hint } = toErrorRecord(error);
    const reason = `it could not be found out when deploys may begin: ${message}`;
    return { blocked: [{ where: "windows", reason, fix: hint }] };
  }
}

/** Errors: WINDOW_CLOSED for a deploy, CALENDAR_INVALID. */
export async function refuseWhenClosed(project: Project, place: StatePlace, plan: Plan): Promise<void> {
  if (!mayBeKept(plan)) return; // whether or not the windows can be read
  const { release, scheduled, environment } = plan;
  const { name } = environment;
  const window = await windowOf(project, place, name, beginsAt(scheduled, systemClock.now()));
  const reason = whyKeptOut(plan, window);
  if (window === undefined || reason === undefined) return;
  const { emergency: kept } = resolveEnvironment(project.runbook, name);
  const urgent =
    kept === undefined ? "" : ` What cannot wait: tminus emergency --env ${name} --for 2h --reason "<why>".`;
  if (scheduled !== undefined) {
    throw new TminusError("WINDOW_CLOSED", reason, {
      hint: `Name a T-0 at which it is open: tminus windows --env ${name}.${urgent}`,
      details: { environment: name, window },
    });
  }
  throw new TminusError("WINDOW_CLOSED", reason, {
    hint: `Start it so that it waits: tminus deploy --env ${name} --release ${release} --wait-for-window. What is closed until when: tminus windows --env ${name}.${urgent}`,
    details: { environment: name, window },
  });
}

async function refuseWhenFrozen(project: Project, place: StatePlace, environment: string): Promise<void> {
  const declared = await freezesIn(await calendarPlace(place, environment));
  const calendar = await openCalendar(await readRules(project, environment), declared);
  const [freeze] = calendar.freezesAt(systemClock.now().getTime());
  if (freeze === undefined) return;
  const until = new Date(freeze.end).toISOString();
  const text = `${environment} is frozen until ${until}: freeze ${freeze.id} (${freeze.reason})`;
  throw new TminusError("WINDOW_CLOSED", text, {
    hint: `Wait for its end, or lift it when that is safe: tminus windows --env ${environment}.`,
    details: { environment, freeze: freeze.id, until },
  });
}

async function readFreeze({ environment, reason, ...times }: FreezeRequest, now: Date): Promise<NewFreeze> {
  const { readMoment } = await import("../calendar/read-moment.ts");
  const read = (text: string, side: "from" | "until"): Date => {
    const at = readMoment(text, now.getTime(), side);
    if (at !== undefined) return new Date(at);
    throw new TminusError("USAGE_INVALID", `--${side}: "${text}" is no time`, {
      hint: 'Write a duration like 4h, "2026-12-24 18:00 Europe/Berlin", or 2026-12-24T17:00Z.',
    });
  };
  const from = times.from === undefined ? now : read(times.from, "from");
  const until = read(times.until, "until");
  checkTimes(from, until, now);
  return { ...(environment === undefined ? {} : { environment }), reason, from, until };
}

function checkTimes(from: Date, until: Date, now: Date): void {
  const hint = `Name a time of the next ${MAX_FREEZE_DAYS} days; a longer freeze stands in the runbook.`;
  if (until <= now || until <= from)
    throw new TminusError("USAGE_INVALID", "the freeze would end before it begins", { hint });
  if (until.getTime() - from.getTime() > MAX_FREEZE_DAYS * DAY_MS)
    throw new TminusError("USAGE_INVALID", `the freeze would last longer than ${MAX_FREEZE_DAYS} days`, {
      hint,
    });
}

async function calendarPlace(place: StatePlace, environment: string): Promise<CalendarPlace> {
  const pool = await findPool(place);
  return { pool, project: place.project, environment };
}

async function poolOf({ state }: StatePlace): Promise<Pool> {
  return (await state()).pool;
}
