import { places } from "./places.ts";

export type Overlay = "palette" | "shortcuts";

interface Keys {
  go(path: string): void;
  open(overlay: Overlay): void;
}

/** How long a g waits for the second key. */
const PREFIX_MS = 1500;

/**
 * What the keyboard does on every page. Rows have data-row, the search data-filter, and the buttons that keys press data-key;
 * none of them destroys anything. Returns what stops listening.
 */
export function listenToKeys({ go, open }: Keys): () => void {
  let prefixMs = 0;
  const listen = (event: KeyboardEvent): void => {
    if (event.key === "k" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      open("palette");
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isElsewhere(event.target)) return;
    const isAfterPrefix = event.timeStamp - prefixMs < PREFIX_MS && prefixMs > 0;
    prefixMs = 0;
    if (isAfterPrefix) {
      const place = places.find(({ key }) => key === event.key);
      if (place !== undefined) go(place.path);
    } else if (event.key === "g") prefixMs = event.timeStamp;
    else if (event.key === "j" || event.key === "k") moveRow(event.key === "j" ? 1 : -1);
    else if (event.key === "/") focusOn("[data-filter]");
    else if (event.key === "?") open("shortcuts");
    else if (event.key === "a" || event.key === "h") press(event.key);
    else return;
    event.preventDefault();
  };
  addEventListener("keydown", listen);
  return () => removeEventListener("keydown", listen);
}

/** Typing, or in a dialog. */
function isElsewhere(target: EventTarget | null): boolean {
  if (document.querySelector("dialog[open]") !== null) return true;
  return target instanceof HTMLElement && target.closest("input, textarea, select") !== null;
}

function moveRow(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row === document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by));
  rows[next]!.focus();
  rows[next]!.scrollIntoView({ block: "nearest" });
}

function focusOn(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus();
}

function press(key: string): void {
  document.querySelector<HTMLButtonElement>(`button[data-key="${key}"]:not(:disabled)`)?.click();
}
