import type { Case } from "./cases.ts";
import { fakeTminus, type FakeTminus } from "./fake-tminus.ts";
import { samplePlan } from "./sample-run.ts";

const at = new Date("2026-11-27T10:00:00Z");

/** In a freeze, f7, that was declared. */
export function frozen(): FakeTminus {
  return fakeTminus(samplePlan(), {
    closedWindow: "closed: freeze f7 (incident 42)",
    declaredFreezes: [
      {
        id: 7,
        environment: "production",
        reason: "incident 42",
        by: "ann",
        at,
        from: at,
        until: new Date("2026-11-27T14:00:00Z"),
      },
    ],
  });
}

const open = (): FakeTminus => fakeTminus(samplePlan());

export const calendarCases: Case[] = [
  { name: "windows", argv: ["windows"], tminus: frozen, exit: 0 },
  {
    name: "windows export into a folder that is not there",
    argv: ["windows", "export", "-o", "no/such/folder.ics"],
    tminus: open,
    exit: 2,
    error: "USAGE_INVALID",
  },
  { name: "freeze", argv: ["freeze", "--until", "4h", "--reason", "incident"], tminus: open, exit: 0 },
  {
    name: "freeze without a reason",
    argv: ["freeze", "--until", "4h", "--reason", " "],
    tminus: open,
    exit: 2,
    error: "USAGE_INVALID",
  },
  { name: "thaw", argv: ["thaw", "f7", "--reason", "over", "--yes"], tminus: frozen, exit: 0 },
  {
    name: "thaw without a flag",
    argv: ["thaw", "--reason", "over"],
    tminus: frozen,
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "thaw of what is not on",
    argv: ["thaw", "f8", "--reason", "over", "--yes"],
    tminus: frozen,
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "deploy when no deploy may begin",
    argv: ["deploy", "--release", "v2"],
    tminus: frozen,
    exit: 3,
    error: "WINDOW_CLOSED",
  },
  {
    name: "deploy that waits for a window",
    argv: ["deploy", "--release", "v2", "--wait-for-window", "--detach"],
    tminus: frozen,
    exit: 0,
  },
];
