import type { ScmKind } from "../model/scm.ts";
import { githubScm } from "./github/index.ts";

/** Every kind of place for code and reviews that a runbook may name. */
export const scmKinds: Readonly<Record<string, ScmKind>> = {
  github: githubScm,
};
