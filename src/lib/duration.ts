/** Rising. */
const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A duration as people write it ("15m", "1h30m", "250ms") in milliseconds, or undefined when it is not one.
 * Units: ms, s, m, h, d, each at most once, in falling order.
 */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+d)?(\d+h)?(\d+m(?!s))?(\d+s)?(\d+ms)?$/.test(text) || text === "") return undefined;
  let total = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+)(ms|[smhd])/g))
    total += Number(digits) * (UNIT_MS[unit!] ?? NaN);
  return Number.isSafeInteger(total) ? total : undefined;
}

/** The inverse of parseDuration, as a runbook writes it: "1h30m". Empty for 0. */
export function writeDuration(ms: number): string {
  let rest = ms;
  let text = "";
  for (const [unit, length] of Object.entries(UNIT_MS).toReversed()) {
    const many = Math.floor(rest / length);
    if (many > 0) text += `${many}${unit}`;
    rest -= many * length;
  }
  return text;
}

/** Milliseconds as a short duration for people: "420 ms", "4.2 s", "1m 04s", "2h 11m", "3d 4h". */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${String(seconds % 60).padStart(2, "0")}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${String(minutes % 60).padStart(2, "0")}m`;
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/**
 * An offset from T-0 ("T-30m", "T+15m", "T-0") in milliseconds, negative before T-0; undefined when it is
 * not one. Requirement A9.
 */
export function parseOffset(text: string): number | undefined {
  const match = /^T([+-])(.+)$/.exec(text);
  if (match === null) return undefined;
  const ms = match[2] === "0" ? 0 : parseDuration(match[2]!);
  if (ms === undefined) return undefined;
  return match[1] === "-" && ms !== 0 ? -ms : ms;
}

/** The inverse of parseOffset, for display: "T-30m 00s", "T-0". */
export function formatOffset(ms: number): string {
  if (ms === 0) return "T-0";
  return `T${ms < 0 ? "-" : "+"}${formatDuration(Math.abs(ms)).replaceAll(" ", "")}`;
}
