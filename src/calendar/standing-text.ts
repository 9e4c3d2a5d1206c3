import { formatDuration } from "../lib/duration.ts";
import type { Admission } from "./admission.ts";
import type { Cause } from "./calendar.ts";
import { zonedText } from "./zone-time.ts";

/** One sentence about how things stand at an instant, with times in the zone and in UTC. */
export function standingText(admission: Admission, at: number, zone: string): string {
  const { isOpen, openBy, opensAt, closesAt } = admission;
  if (isOpen) {
    const by = openBy.length === 0 ? "" : ` (${openBy.map(({ id }) => id).join(", ")})`;
    if (closesAt === undefined) return `open${by}, and it does not close within two years`;
    return `open${by} until ${momentText(closesAt, zone)}, ${formatDuration(closesAt - at)} left`;
  }
  const opens =
    opensAt === undefined
      ? "it does not open within two years"
      : `it opens ${momentText(opensAt, zone)}, in ${formatDuration(opensAt - at)}`;
  return `closed: ${reasonText(admission)}; ${opens}`;
}

/** Why no deploy may begin. */
export function reasonText({ closedBy, limit }: Admission): string {
  if (limit !== undefined) return limit;
  if (closedBy.length === 0) return "no window that allows deploys is open";
  return closedBy.map(causeText).join(", ");
}

/** "Tue 2026-12-01 10:00 America/New_York (2026-12-01 15:00Z)" */
export function momentText(ms: number, zone: string): string {
  const utc = `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")}Z`;
  return zone === "UTC" ? zonedText(ms, zone) : `${zonedText(ms, zone)} (${utc})`;
}

function causeText({ kind, id, reason }: Cause): string {
  return `${kind} ${id}${reason === undefined ? "" : ` (${reason})`}`;
}
