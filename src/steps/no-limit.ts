/** The time limit of a step that may wait for a person for as long as it takes: a limit would answer in their place. */
export const NO_LIMIT_MS: number = 10 * 365 * 24 * 3_600_000;
