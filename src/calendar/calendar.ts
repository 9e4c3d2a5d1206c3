import type { CalendarRules } from "../model/calendar.ts";
import { occurrencesOfWindow, spanOfFreeze, spansOf, type Occurrences } from "./occurrences.ts";
import { clip, subtract, union, type Span } from "./spans.ts";

/** A freeze as the calendar needs it: those of the runbook and those that people declared are alike. */
export interface FreezeSpan extends Span {
  id: string;
  reason: string;
}

/** What keeps deploys out, or lets them in, at an instant. */
export interface Cause {
  kind: "freeze" | "window";
  id: string;
  reason?: string;
}

/** How things stand at an instant. Times are ms since 1970. */
export interface Standing {
  isOpen: boolean;
  /** Why it is closed: every freeze and deny window; none when it is closed because no allow window is open. */
  closedBy: Cause[];
  /** The allow windows that are open; none when the environment has none. */
  openBy: Cause[];
  /** When it opens next; undefined when it is open, or when it does not open within two years. */
  opensAt?: number;
  /** When it closes next, counted from opensAt when it is closed; undefined when it does not within two years. */
  closesAt?: number;
}

/** How far ahead an answer is looked for: two years. */
export const HORIZON_MS = 731 * 86_400_000;
/** Most answers are near: the first look is this long, each of the next four times as long. */
const FIRST_LOOK_MS = 2 * 86_400_000;
const LONGER = 4;

interface KnownWindow extends Cause {
  effect: "allow" | "deny";
  zone: string;
  occurrences: Occurrences;
}

/** When deploys into one environment may begin. Pure: whoever asks says which instant is meant. Requirement B8. */
export class Calendar {
  readonly #windows: readonly KnownWindow[];
  readonly #freezes: readonly FreezeSpan[];
  /** Zones of its windows, without repeats: in which people want to be told the times. */
  readonly zones: readonly string[];

  constructor(
    rules: Pick<CalendarRules, "windows" | "freezes" | "events">,
    declared: readonly FreezeSpan[] = [],
  ) {
    this.#windows = rules.windows.map((window) => ({
      kind: "window",
      id: window.id,
      ...(window.reason === undefined ? {} : { reason: window.reason }),
      effect: window.effect,
      zone: window.zone,
      occurrences: occurrencesOfWindow(window, rules.events),
    }));
    this.#freezes = [
      ...rules.freezes.map((freeze) => ({ id: freeze.id, reason: freeze.reason, ...spanOfFreeze(freeze) })),
      ...declared,
    ];
    this.zones = [...new Set([...rules.windows, ...rules.freezes].map(({ zone }) => zone))];
  }

  /** Whether anything but freezes is looked at: without a window it is open unless it is frozen. */
  get hasWindows(): boolean {
    return this.#windows.length > 0;
  }

  /** The freezes in force at an instant. */
  freezesAt(at: number): FreezeSpan[] {
    return this.#freezes.filter(({ start, end }) => start <= at && at < end);
  }

  /** The time between two instants in which deploys may begin: in order, apart, cut off at both. */
  openSpans(from: number, to: number): Span[] {
    return clip(subtract(this.#windowSpans(from, to), union(this.#freezes)), from, to);
  }

  /** How things stand at an instant, and when that changes. */
  at(at: number): Standing {
    const isOn = ({ occurrences }: KnownWindow): boolean => spansOf(occurrences, at, at + 1).length > 0;
    const on = this.#windows.filter(isOn);
    const hasAllow = this.#windows.some(({ effect }) => effect === "allow");
    const openBy = on.filter(({ effect }) => effect === "allow").map(causeOf);
    const closedBy = [
      ...this.freezesAt(at).map(({ id, reason }): Cause => ({ kind: "freeze", id, reason })),
      ...on.filter(({ effect }) => effect === "deny").map(causeOf),
    ];
    const isOpen = closedBy.length === 0 && (!hasAllow || openBy.length > 0);
    const opensAt = isOpen ? undefined : this.nextOpening(at)?.start;
    const closesAt = isOpen
      ? this.#nextClosing(at)
      : opensAt === undefined
        ? undefined
        : this.#nextClosing(opensAt);
    return {
      isOpen,
      closedBy,
      openBy,
      ...(opensAt === undefined ? {} : { opensAt }),
      ...(closesAt === undefined ? {} : { closesAt }),
    };
  }

  /** The first open time at or after an instant, from its start or that instant on; undefined when there is none within two years. */
  nextOpening(at: number): Span | undefined {
    return this.#look(at, (to) => this.openSpans(at, to)[0]);
  }

  /**
   * The time around an instant in which the windows are open, whatever is frozen, at most two years each way; undefined
   * when they are closed.
   */
  openingAround(at: number): Span | undefined {
    if (this.#windowSpans(at, at + 1).length === 0) return undefined;
    const bound = (look: (ms: number) => number | undefined, last: number): number => {
      for (let ms = FIRST_LOOK_MS; ms < HORIZON_MS; ms *= LONGER) {
        const found = look(ms);
        if (found !== undefined) return found;
      }
      return look(HORIZON_MS) ?? last;
    };
    const startOf = (ms: number): number | undefined => {
      const start = this.#windowSpans(at - ms, at + 1).at(-1)!.start;
      return start > at - ms ? start : undefined;
    };
    const endOf = (ms: number): number | undefined => {
      const end = this.#windowSpans(at, at + ms)[0]!.end;
      return end < at + ms ? end : undefined;
    };
    return { start: bound(startOf, at - HORIZON_MS), end: bound(endOf, at + HORIZON_MS) };
  }

  #nextClosing(at: number): number | undefined {
    return this.#look(at, (to) => {
      const end = this.openSpans(at, to)[0]?.end;
      return end === undefined || end >= to ? undefined : end;
    });
  }

  /** Looks ahead further and further, until there is an answer or two years are over. */
  #look<T>(at: number, answer: (to: number) => T | undefined): T | undefined {
    for (let aheadMs = FIRST_LOOK_MS; ; aheadMs *= LONGER) {
      const found = answer(at + Math.min(aheadMs, HORIZON_MS));
      if (found !== undefined || aheadMs >= HORIZON_MS) return found;
    }
  }

  /** What the windows alone leave open between two instants, cut off at both. */
  #windowSpans(from: number, to: number): Span[] {
    const of = (effect: KnownWindow["effect"]): Span[] =>
      union(
        this.#windows
          .filter((window) => window.effect === effect)
          .flatMap(({ occurrences }) => spansOf(occurrences, from, to)),
      );
    const hasAllow = this.#windows.some(({ effect }) => effect === "allow");
    const allowed = hasAllow ? of("allow") : [{ start: from, end: to }];
    return clip(subtract(allowed, of("deny")), from, to);
  }
}

function causeOf({ kind, id, reason }: KnownWindow): Cause {
  return { kind, id, ...(reason === undefined ? {} : { reason }) };
}
