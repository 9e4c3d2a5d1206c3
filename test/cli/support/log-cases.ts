import { ended, idle, unavailable, withRun, type Case } from "./cases.ts";

/** `tminus log`. */
export const logCases: Case[] = [
  { name: "log", argv: ["log"], tminus: () => withRun(ended), exit: 0 },
  { name: "log of nothing", argv: ["log"], tminus: idle, exit: 0 },
  {
    name: "log of what is looked for",
    argv: ["log", "--search", "v2", "--outcome", "succeeded", "--state", "ended"],
    tminus: () => withRun(ended),
    exit: 0,
  },
  {
    name: "log of a state that there is not",
    argv: ["log", "--state", "asleep"],
    tminus: idle,
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "log of what is too long to look for",
    argv: ["log", "--search", "v".repeat(201)],
    tminus: idle,
    exit: 2,
    error: "USAGE_INVALID",
  },
  { name: "log in Markdown", argv: ["log", "--markdown"], tminus: () => withRun(ended), exit: 0 },
  { name: "log without a state", argv: ["log"], tminus: unavailable, exit: 1, error: "STATE_UNAVAILABLE" },
  {
    name: "log with a bad limit",
    argv: ["log", "--limit", "0"],
    tminus: idle,
    exit: 2,
    error: "USAGE_INVALID",
  },
];
