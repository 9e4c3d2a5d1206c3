import * as z from "zod";
import { isTimeZone, timeZoneHint } from "../lib/time-zone.ts";
import { DAY_RULE_HINT, parseDayRule } from "./day-rule.ts";
import { durationSchema, idSchema, type IssueParams } from "./field.ts";
import { isDate, parseRecurrence } from "./recurrence.ts";
import { weekdayNames } from "./weekday.ts";

/** More are refused, so that looking two years ahead stays quick. */
const MAX_WINDOWS = 50;
const MAX_DAY_RULES = 200;
const MAX_FREEZES = 200;

const CLOCK_TIME = /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/;

const zoneSchema = z.string().superRefine((text, context) => {
  if (isTimeZone(text)) return;
  const params: IssueParams = { hint: timeZoneHint(text) };
  context.addIssue({ code: "custom", message: "is not a time zone", params });
});

const clockTimeSchema = z
  .string()
  .refine((text) => CLOCK_TIME.test(text), {
    error: "is not a time of day",
    params: { hint: 'write it with quotes, like "10:00"; the end of a day is "24:00"' } satisfies IssueParams,
  })
  .meta({ pattern: CLOCK_TIME.source });

const dateSchema = z
  .string()
  .refine(isDate, {
    error: "is not a date",
    params: { hint: "write it like 2026-12-31" } satisfies IssueParams,
  })
  .meta({ pattern: "^\\d{4}-\\d{2}-\\d{2}$" });

/** A day, or a minute of one: "2026-12-24", "2026-12-24 18:00". */
const momentSchema = z
  .string()
  .refine(isMoment, {
    error: "is not a date, nor a date and time",
    params: { hint: 'write it like "2026-12-24" or "2026-12-24 18:00"' } satisfies IssueParams,
  })
  .meta({ pattern: "^\\d{4}-\\d{2}-\\d{2}([ T]\\d{2}:\\d{2})?$" });

const dayRulesSchema = z
  .array(
    z
      .string()
      .max(100)
      .refine((text) => parseDayRule(text) !== undefined, {
        error: "is not a day",
        params: { hint: DAY_RULE_HINT } satisfies IssueParams,
      }),
  )
  .max(MAX_DAY_RULES);

const recurrenceSchema = z
  .string()
  .max(500)
  .superRefine((text, context) => {
    const rule = parseRecurrence(text);
    if (!("message" in rule)) return;
    const params: IssueParams = {
      hint: "see docs/windows.md for the parts of an RRULE that are followed",
      ...(rule.part === "" ? {} : { word: rule.part }),
    };
    context.addIssue({ code: "custom", message: rule.message, params });
  });

const windowShape = z.strictObject({
  id: idSchema.describe("Name of the window, unique in its environment; what people are told"),
  effect: z
    .enum(["allow", "deny"])
    .describe("allow: a deploy may begin in it. deny: none may, whatever other windows say"),
  reason: z.string().min(1).max(500).optional().describe("Why, for people"),
  zone: zoneSchema.describe("IANA time zone of all its times: America/New_York, UTC"),
  days: z.array(z.enum(weekdayNames)).min(1).optional().describe("Days of the week"),
  dates: dayRulesSchema
    .min(1)
    .optional()
    .describe('Days: "2026-12-25", "12-24..12-26" of every year, "last monday of may", black-friday'),
  rrule: recurrenceSchema.optional().describe("Days by a rule of RFC 5545, counted from `start`"),
  start: dateSchema.optional().describe("First day of an rrule"),
  ics: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe("An iCalendar file, relative to the runbook: each of its events is a span of the window"),
  from: clockTimeSchema.optional().describe("Time of day at which it begins; midnight when left out"),
  to: clockTimeSchema
    .optional()
    .describe("Time of day at which it ends, on the next day when it is before from"),
  except: dayRulesSchema.default([]).describe("Days on which it does not begin, written like dates"),
});

/** When deploys may begin, or may not. Requirement B8. */
export const windowSchema = windowShape.superRefine(checkWindow);

export const windowsSchema = z.array(windowSchema).max(MAX_WINDOWS);

export const limitsSchema = z.strictObject({
  perWindow: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe("Most deploys that begin in one opening of the environment's windows"),
  gap: durationSchema.optional().describe("Least time between the end of a deploy and the start of the next"),
});

/** A span in which nothing is deployed and a run under way changes nothing more. Requirement B8. */
export const freezeSchema = z
  .strictObject({
    id: idSchema.describe("Name of the freeze, unique among them; what people are told"),
    reason: z.string().min(1).max(500).describe("Why, for people"),
    zone: zoneSchema.describe("IANA time zone of from and until: Europe/Berlin, UTC"),
    from: momentSchema.describe('Start: "2026-12-18", "2026-12-18 18:00"'),
    until: momentSchema.describe("End; a date without a time belongs to the freeze"),
    environments: z
      .array(idSchema)
      .min(1)
      .max(50)
      .optional()
      .describe("Environments that it is for; all when left out"),
  })
  .superRefine(({ from, until }, context) => {
    if (endOf(until) > startOf(from)) return;
    const params: IssueParams = { hint: "until is the end of the freeze" };
    context.addIssue({ code: "custom", path: ["until"], message: "is not after from", params });
  });

export const freezesSchema = z.array(freezeSchema).max(MAX_FREEZES);

/** An event of an .ics file. Its times are those of clocks in its zone. */
export const calendarEventSchema = z.strictObject({
  title: z.string(),
  zone: z.string(),
  start: z.strictObject({ date: z.string(), second: z.int().describe("Of the day") }),
  /** Days after the start's, and the second of that day. */
  end: z.strictObject({ days: z.int(), second: z.int() }),
  rrule: z.string().optional(),
  /** Dates on which it does not begin. */
  except: z.array(z.string()),
});

/** All that decides when a deploy into one environment may begin, without what people declared meanwhile. */
export const calendarSchema = z.strictObject({
  windows: windowsSchema,
  limits: limitsSchema,
  freezes: freezesSchema,
  /** Of each window that names an .ics file, by its id. */
  events: z.record(z.string(), z.array(calendarEventSchema)),
});

export type CalendarEvent = z.output<typeof calendarEventSchema>;
/** Of one environment: its windows, its limits, and the runbook's freezes that are for it. */
export type CalendarRules = z.output<typeof calendarSchema>;
export type DeployWindow = z.output<typeof windowSchema>;
export type RunbookFreeze = z.output<typeof freezeSchema>;
export type DeployLimits = z.output<typeof limitsSchema>;

function checkWindow(
  window: z.output<typeof windowShape>,
  context: z.core.$RefinementCtx<z.output<typeof windowShape>>,
): void {
  const fail = (path: string[], message: string, hint: string): void =>
    context.addIssue({ code: "custom", path, message, params: { hint } satisfies IssueParams });
  const { days, dates, rrule, ics, start, from, to } = window;
  const named = Object.entries({ days, dates, rrule, ics }).filter(([, value]) => value !== undefined);
  if (named.length > 1) {
    const [first, second] = named.map(([key]) => key);
    fail([second!], `does not go with ${first}`, "make a window of each");
  }
  if (rrule !== undefined && start === undefined)
    fail(["rrule"], "needs a start", "add start: with the first day");
  if (rrule === undefined && start !== undefined)
    fail(["start"], "is only for an rrule", "take it away, or add rrule:");
  if (ics !== undefined && (from !== undefined || to !== undefined))
    fail([from === undefined ? "to" : "from"], "does not go with ics", "the events have their own times");
  if (from !== undefined && from === to)
    fail(["to"], "is the same as from", "leave both out for the whole day");
  if (from === "24:00") fail(["from"], "is the end of the day", 'write "00:00" of the next one');
}

/** "2026-12-24" or "2026-12-24 18:00", as a time without a zone. */
export function isMoment(text: string): boolean {
  const [date = "", time, ...more] = text.split(/[ T]/);
  return isDate(date) && more.length === 0 && (time === undefined || CLOCK_TIME.test(time));
}

/** Comparable texts of where a moment begins and ends. */
function startOf(moment: string): string {
  return moment.length === 10 ? `${moment} 00:00` : moment.replace("T", " ");
}

function endOf(moment: string): string {
  return moment.length === 10 ? `${moment} 24:00` : moment.replace("T", " ");
}
