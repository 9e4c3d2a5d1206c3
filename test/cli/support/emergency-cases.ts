import type { Case } from "./cases.ts";
import { protectedPlan } from "./cases.ts";
import { fakeTminus } from "./fake-tminus.ts";
import { samplePlan } from "./sample-run.ts";

const FOR = ["--for", "2h", "--reason", "checkout is down"];

export const emergencyCases: Case[] = [
  { name: "list of emergencies", argv: ["emergency"], tminus: () => fakeTminus(samplePlan()), exit: 0 },
  { name: "emergency", argv: ["emergency", ...FOR], tminus: () => fakeTminus(samplePlan()), exit: 0 },
  {
    name: "end of an emergency",
    argv: ["emergency", "--end"],
    tminus: () => fakeTminus(samplePlan()),
    exit: 0,
  },
  {
    name: "emergency in a protected environment without a flag",
    argv: ["emergency", ...FOR],
    tminus: () => fakeTminus(protectedPlan),
    exit: 2,
    error: "USAGE_INVALID",
  },
  { name: "list of tasks", argv: ["tasks"], tminus: () => fakeTminus(samplePlan()), exit: 0 },
  {
    name: "end of a task",
    argv: ["tasks", "t3", "--note", "done"],
    tminus: () => fakeTminus(samplePlan()),
    exit: 0,
  },
  {
    name: "end of a task without a note",
    argv: ["tasks", "t3"],
    tminus: () => fakeTminus(samplePlan()),
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "end of what is no task",
    argv: ["tasks", "3", "--note", "done"],
    tminus: () => fakeTminus(samplePlan()),
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "merge-back",
    argv: ["merge-back", "--into", "main"],
    tminus: () => fakeTminus(samplePlan()),
    exit: 0,
  },
  {
    name: "merge-back into a branch that is not there",
    argv: ["merge-back", "--into", "main", "--into", "gone"],
    tminus: () => fakeTminus(samplePlan()),
    exit: 3,
  },
  {
    name: "emergency without a reason",
    argv: ["emergency", "--for", "2h"],
    tminus: () => fakeTminus(samplePlan()),
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "end of an emergency with a time",
    argv: ["emergency", "--end", "--for", "2h"],
    tminus: () => fakeTminus(samplePlan()),
    exit: 2,
    error: "USAGE_INVALID",
  },
];
