/** Names that look like a zone of a place but are fixed offsets without daylight saving time, and what is meant. */
const PLACES: Readonly<Record<string, string>> = {
  EST: "America/New_York",
  EDT: "America/New_York",
  EST5EDT: "America/New_York",
  CST: "America/Chicago",
  CDT: "America/Chicago",
  CST6CDT: "America/Chicago",
  MST: "America/Denver",
  MDT: "America/Denver",
  MST7MDT: "America/Denver",
  PST: "America/Los_Angeles",
  PDT: "America/Los_Angeles",
  PST8PDT: "America/Los_Angeles",
  HST: "Pacific/Honolulu",
  CET: "Europe/Berlin",
  CEST: "Europe/Berlin",
  MET: "Europe/Berlin",
  EET: "Europe/Athens",
  WET: "Europe/Lisbon",
  BST: "Europe/London",
  IST: "Asia/Kolkata",
  JST: "Asia/Tokyo",
  AEST: "Australia/Sydney",
};

/**
 * Whether the text names a zone of the IANA database by place, or UTC. Offsets and abbreviations are none: they do not
 * say when the clocks of a place change.
 */
export function isTimeZone(text: string): boolean {
  if (text !== "UTC" && !/^[A-Za-z_]+(\/[A-Za-z0-9_+-]+)+$/.test(text)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone !== "";
  } catch {
    return false; // not in the database
  }
}

/** What to write in place of a text that is no zone. */
export function timeZoneHint(text: string): string {
  const place = PLACES[text.toUpperCase()];
  return place === undefined
    ? "write the zone of a place, like America/New_York, or UTC"
    : `write the zone of a place, like ${place}: it knows when the clocks change`;
}
