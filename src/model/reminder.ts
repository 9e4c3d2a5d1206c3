/** How often people are reminded of what stays undone. */
export const REMIND_EVERY_MS = 24 * 3_600_000;

/** Which reminder is to be sent: 0 from the due time on, one more after each interval. Undefined before it is due. */
export function reminderNumber(dueAt: Date, now: Date): number | undefined {
  const lateMs = now.getTime() - dueAt.getTime();
  return lateMs < 0 ? undefined : Math.floor(lateMs / REMIND_EVERY_MS);
}

/** When the next one is to be sent. */
export function nextReminderAt(dueAt: Date, now: Date): Date {
  return new Date(dueAt.getTime() + ((reminderNumber(dueAt, now) ?? -1) + 1) * REMIND_EVERY_MS);
}
