import type { CalendarRules } from "../model/calendar.ts";
import type { DeclaredFreeze } from "../model/freeze.ts";
import { occurrencesOfWindow, spanOfFreeze, spansOf } from "./occurrences.ts";
import { union } from "./spans.ts";
import type { EventToWrite } from "./write-ics.ts";

/** What is exported of one environment. */
export interface ExportedCalendar {
  project: string;
  environment: string;
  rules: CalendarRules;
  declared: readonly (DeclaredFreeze & { name: string })[];
}

/** Every span of a window or freeze between two instants as an event, each with an id that stays the same. */
export function eventsOf(
  { project, environment, rules, declared }: ExportedCalendar,
  from: number,
  to: number,
): EventToWrite[] {
  const place = `${environment} · ${project}`;
  const uidOf = (id: string, start: number): string =>
    `${project}-${environment}-${id}-${new Date(start).toISOString().replaceAll(/\W/g, "")}@tminus`;
  const ofWindows = rules.windows.flatMap((window) =>
    union(spansOf(occurrencesOfWindow(window, rules.events), from, to)).map((span) => ({
      ...span,
      uid: uidOf(window.id, span.start),
      title: `${window.effect === "allow" ? "Deploys may begin" : "No deploys"}: ${window.id} (${place})`,
      text: window.reason ?? "",
      category: window.effect,
    })),
  );
  const freezes = [
    ...rules.freezes.map((freeze) => ({ id: freeze.id, reason: freeze.reason, ...spanOfFreeze(freeze) })),
    ...declared.map(({ name, reason, from: start, until }) => ({
      id: name,
      reason,
      start: start.getTime(),
      end: until.getTime(),
    })),
  ];
  const ofFreezes = freezes
    .filter(({ start, end }) => start < to && end > from)
    .map(({ id, reason, start, end }) => ({
      start,
      end,
      uid: uidOf(id, start),
      title: `Freeze: ${id} (${place})`,
      text: reason,
      category: "freeze" as const,
    }));
  return [...ofWindows, ...ofFreezes];
}
