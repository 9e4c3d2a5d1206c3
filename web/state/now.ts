import { signal } from "@preact/signals";

/** The time by this browser's clock, moved on every second: whatever counts up or down reads it. */
export const now = signal(new Date());

setInterval(() => {
  if (!document.hidden) now.value = new Date();
}, 1000);
document.addEventListener("visibilitychange", () => (now.value = new Date()));
