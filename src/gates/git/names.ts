import * as z from "zod";
import type { IssueParams } from "../../model/runbook.ts";

/** What git-check-ref-format(1) allows, without what could be taken for an option. */
const REF = /^(?![-/.])(?!.*(\.\.|\/\/|@\{|\/\.|\.lock(\/|$)))[^\s~^:?*[\\\p{Cc}]+(?<![/.])$/u;

function named(what: string, pattern: RegExp, hint: string) {
  return z
    .string()
    .max(250)
    .refine((text) => pattern.test(text), {
      error: `is not the name of a ${what}`,
      params: { hint } satisfies IssueParams,
    });
}

export const branchSchema = named("branch", REF, "write it like main or release/2.4, without refs/heads/");

export const remoteSchema = named(
  "remote",
  /^[A-Za-z0-9][\w./-]*$/,
  "write it like origin, as git remote lists it",
);

/** A branch, or a pattern of branches in which * stands for any run of characters. */
export const branchPatternSchema = z
  .string()
  .max(250)
  .refine((text) => REF.test(text.replaceAll("*", "x")), {
    error: "is not a branch or pattern of branches",
    params: { hint: "write it like staging or feature/*" } satisfies IssueParams,
  });
