import type { Host } from "../host.ts";
import type { Output } from "./output.ts";

const EVERY_MS = 2_000;

/** Tells every two seconds how many there are so far: "120,000 records verified". What is quicker is not told. */
export function countProgress(host: Host, output: Output, what: string): { count: number; stop: () => void } {
  const progress = { count: 0, stop: (): void => undefined };
  progress.stop = host.every(EVERY_MS, () => output.note(`${progress.count.toLocaleString("en")} ${what}`));
  return progress;
}
