import { expectOutput, type Repository } from "./repository.ts";

/**
 * What git status lists, as it lists it: two letters, a blank, a path below the root of the work tree. `options` are of
 * git-status(1), pathspecs included. Throws GIT_SILENT.
 */
export async function changedFiles(repository: Repository, options: readonly string[]): Promise<string[]> {
  const answer = await repository.git(["status", "--porcelain=v1", "--no-renames", "-z", ...options]);
  expectOutput(answer);
  return answer.stdout.split("\0").filter((entry) => entry !== "");
}

/** "a, b and 3 more". */
export function sayFiles(entries: readonly string[], limit: number): string {
  const named = entries.slice(0, limit).map((entry) => entry.slice(3));
  const more = entries.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
