import { fakeTminus } from "./fake-tminus.ts";
import type { Case } from "./cases.ts";
import { samplePlan } from "./sample-run.ts";

const nobody = () => fakeTminus(samplePlan());
const role = ["--role", "approver"];

/** Command lines about users and tokens, as in cases.ts. */
export const peopleCases: Case[] = [
  { name: "user list", argv: ["user", "list"], tminus: nobody, exit: 0 },
  { name: "token list", argv: ["token", "list"], tminus: nobody, exit: 0 },
  {
    name: "user add without a way to sign in",
    argv: ["user", "add", "ann", ...role],
    tminus: nobody,
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "user add by nobody known",
    argv: ["user", "add", "ann", "--token"],
    tminus: nobody,
    exit: 2,
    error: "PERMISSION_REFUSED",
  },
  {
    name: "user roles with a role that is none",
    argv: ["user", "roles", "ann", "--role", "boss"],
    tminus: nobody,
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "user roles",
    argv: ["user", "roles", "ann", ...role],
    tminus: nobody,
    exit: 2,
    error: "PERMISSION_REFUSED",
  },
  {
    name: "user disable",
    argv: ["user", "disable", "ann"],
    tminus: nobody,
    exit: 2,
    error: "PERMISSION_REFUSED",
  },
  {
    name: "user password without a terminal",
    argv: ["user", "password", "ann"],
    tminus: nobody,
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "token create",
    argv: ["token", "create", "ci", ...role],
    tminus: nobody,
    exit: 2,
    error: "PERMISSION_REFUSED",
  },
  {
    name: "token revoke",
    argv: ["token", "revoke", "k3v9x2m1"],
    tminus: nobody,
    exit: 2,
    error: "PERMISSION_REFUSED",
  },
];
