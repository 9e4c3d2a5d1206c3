/** Monday first, as in ISO 8601. */
export const weekdayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

export type WeekdayName = (typeof weekdayNames)[number];

/** 1 for Monday to 7 for Sunday. */
export type Weekday = number;

export function weekdayOf(name: WeekdayName): Weekday {
  return weekdayNames.indexOf(name) + 1;
}
