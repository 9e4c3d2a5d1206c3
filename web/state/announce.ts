import { signal } from "@preact/signals";

/** What the live region says: changes of state alone, never samples. */
export const announced = signal("");

export function announce(text: string): void {
  announced.value = text;
}
