import type { PlanInput } from "./plan.ts";

/**
 * The inputs of a plan that are the release itself, in whatever environment: what is deployed, and what is run on the
 * database. Two plans with the same ones bring the same.
 */

/** `digest` is the release's own name where the target declares no files. */
export function releaseFilesInput(release: string, digest: string): PlanInput {
  return { name: `release files of ${release}`, digest };
}

export function migrationFilesInput(directory: string, digest: string): PlanInput {
  return { name: `migration files in ${directory}`, digest };
}

export function contractFilesInput(directory: string, digest: string): PlanInput {
  return { name: `contract files in ${directory}`, digest };
}

export function releaseInputsOf(inputs: readonly PlanInput[]): PlanInput[] {
  return inputs.filter(({ name }) => /^(release files of|migration files in|contract files in) /.test(name));
}
