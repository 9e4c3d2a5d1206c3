import { devNull } from "node:os";
import { definedOnly } from "./defined-only.ts";
import { spawnDetached } from "./process.ts";

/** Shows the address in the person's browser, where there is a display; where there is none, or no browser, nothing happens. */
export function openBrowser(url: string, environment: Readonly<Record<string, string | undefined>>): void {
  const argv = commandFor(url, environment);
  if (argv === undefined) return;
  spawnDetached(argv, { env: definedOnly(environment), logFile: devNull }).catch(() => undefined); // the address was printed as well
}

/** Undefined where there is no display. */
export function commandFor(
  url: string,
  { DISPLAY, WAYLAND_DISPLAY }: Readonly<Record<string, string | undefined>>,
  platform: string = process.platform,
): readonly string[] | undefined {
  if (platform === "darwin") return ["open", url];
  if (platform === "win32") return ["explorer.exe", url];
  return (DISPLAY ?? "") === "" && (WAYLAND_DISPLAY ?? "") === "" ? undefined : ["xdg-open", url];
}
