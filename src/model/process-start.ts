/** When the process began, in seconds since 1970, as the client libraries of Prometheus expose it. */
export const START_METRIC = "process_start_time_seconds";

/** Some clients work it out anew at each scrape from the machine's clock, which is being adjusted. */
const JITTER_SECONDS = 2;

/** Whether these are the starts of two processes; not when one of them is not known. */
export function isOtherStart(before: number | undefined, after: number | undefined): boolean {
  return before !== undefined && after !== undefined && Math.abs(after - before) > JITTER_SECONDS;
}
