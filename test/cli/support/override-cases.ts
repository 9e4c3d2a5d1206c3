import type { Case } from "./cases.ts";
import { protectedPlan } from "./cases.ts";
import { fakeTminus } from "./fake-tminus.ts";
import { samplePlan } from "./sample-run.ts";

const FOR = ["--for", "2h", "--reason", "known"];

export const overrideCases: Case[] = [
  { name: "list of overrides", argv: ["override"], tminus: () => fakeTminus(samplePlan()), exit: 0 },
  { name: "override", argv: ["override", "tests", ...FOR], tminus: () => fakeTminus(samplePlan()), exit: 0 },
  {
    name: "end of an override",
    argv: ["override", "tests", "--end"],
    tminus: () => fakeTminus(samplePlan()),
    exit: 0,
  },
  {
    name: "override in a protected environment without a flag",
    argv: ["override", "tests", ...FOR],
    tminus: () => fakeTminus(protectedPlan),
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "override without a reason",
    argv: ["override", "tests", "--for", "2h"],
    tminus: () => fakeTminus(samplePlan()),
    exit: 2,
    error: "USAGE_INVALID",
  },
];
