/**
 * Windows by looking at every single minute, for comparison: what the clocks of a zone show is asked of Intl, and the
 * rest is counted. Shares nothing with the code that it is compared with. Minutes are since 1970.
 */

export interface MinuteWindow {
  effect: "allow" | "deny";
  /** 0 for Sunday. */
  weekdays: readonly number[];
  fromMinute: number;
  /** Beyond 1440 when it ends on the next day. */
  toMinute: number;
}

export interface Transition {
  /** The first minute with the new offset. */
  minute: number;
  before: number;
  after: number;
}

const DAY = 1440;

/** Minutes by which the clocks of a zone are ahead of UTC at a minute. */
export function offsetsOf(zone: string): (minute: number) => number {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
  return (minute) => {
    const [, sign, hours, minutes] =
      /GMT(?:([+-])(\d\d):(\d\d))?$/.exec(format.format(minute * 60_000)) ?? [];
    if (sign === undefined) return 0;
    return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  };
}

/** Every change of the clocks between two minutes; two within one `step` that undo each other would be missed. */
export function transitionsOf(zone: string, from: number, to: number, step: number): Transition[] {
  const offset = offsetsOf(zone);
  const found: Transition[] = [];
  let before = offset(from);
  for (let start = from; start < to; start += step) {
    let low = start;
    for (let high = start + step; offset(high) !== before; high = start + step) {
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (offset(middle) === before) low = middle;
        else high = middle;
      }
      const after = offset(high);
      found.push({ minute: high, before, after });
      before = after;
      low = high;
    }
  }
  return found;
}

/** For each minute from `from` to `to` 1 when a deploy may begin in it. */
export function openMinutes(
  windows: readonly MinuteWindow[],
  transitions: readonly Transition[],
  from: number,
  to: number,
): Uint8Array {
  const margin = 3 * DAY; // a window that began before, or that ends afterwards
  const walls = wallMinutes(transitions, from - margin, to + margin);
  const allowed = new Uint8Array(to - from);
  const denied = new Uint8Array(to - from);
  for (const window of windows) {
    const into = window.effect === "allow" ? allowed : denied;
    for (const [start, end] of stretches(window, walls))
      into.fill(1, Math.max(0, start - margin), Math.max(0, end - margin));
  }
  const hasAllow = windows.some(({ effect }) => effect === "allow");
  return allowed.map((isAllowed, index) => (denied[index] === 0 && (!hasAllow || isAllowed === 1) ? 1 : 0));
}

function wallMinutes(transitions: readonly Transition[], from: number, to: number): Float64Array {
  const walls = new Float64Array(to - from);
  let next = transitions.findIndex(({ minute }) => minute > from);
  if (next < 0) next = transitions.length;
  let offset = transitions[next]?.before ?? transitions[next - 1]!.after;
  for (let minute = from; minute < to; minute++) {
    while (transitions[next]?.minute === minute) offset = transitions[next++]!.after;
    walls[minute - from] = minute + offset;
  }
  return walls;
}

/** From the first to the last minute that the clocks show inside the window, for each of its days. */
function stretches(
  { weekdays, fromMinute, toMinute }: MinuteWindow,
  walls: Float64Array,
): [start: number, end: number][] {
  const found: [number, number][] = [];
  const firstDay = Math.floor(walls[0]! / DAY);
  const lastDay = Math.floor(walls.at(-1)! / DAY);
  for (let day = firstDay - 1; day <= lastDay; day++) {
    if (!weekdays.includes((((day + 4) % 7) + 7) % 7)) continue;
    const [low, high] = [day * DAY + fromMinute, day * DAY + toMinute];
    // Where to look: clocks are never changed by more than a day.
    const about = low - walls[0]!;
    let first = -1;
    let last = -1;
    for (
      let index = Math.max(0, about - DAY);
      index < Math.min(walls.length, about + (high - low) + DAY);
      index++
    ) {
      if (walls[index]! < low || walls[index]! >= high) continue;
      if (first < 0) first = index;
      last = index;
    }
    if (first >= 0) found.push([first, last + 1]);
  }
  return found;
}
