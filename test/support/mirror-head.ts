import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { GitProject } from "./git-project.ts";
import { REPOSITORY, type GithubEmulator } from "./github-emulator.ts";

const [owner = "", repo = ""] = REPOSITORY.split("/");
const place = { owner, repo };

/**
 * Brings the checked-out commit to the emulator by GitHub's own API, file by file. Its parents must be there already, and
 * the work tree as it was committed. Files in `known` are there; those that come are added to it. Throws when the emulator
 * gives the commit another name than git.
 */
export async function mirrorHead(
  github: GithubEmulator,
  project: GitProject,
  known: Set<string>,
): Promise<string> {
  const client = github.octokit();
  const listed = await project.git(["ls-tree", "-r", "HEAD"]);
  const tree = [];
  for (const line of listed.split("\n")) {
    const [, mode = "", sha = "", path = ""] = /^(\d+) blob (\w+)\t(.*)$/.exec(line)!;
    if (!known.has(sha)) {
      const content = readFileSync(join(project.directory, path)).toString("base64");
      await client.request("POST /repos/{owner}/{repo}/git/blobs", { ...place, content, encoding: "base64" });
      known.add(sha);
    }
    tree.push({ path, mode: mode as "100644", type: "blob" as const, sha });
  }
  const made = await client.request("POST /repos/{owner}/{repo}/git/trees", { ...place, tree });
  const fields = ["%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%P", "%B"];
  const shown = await project.git(["show", "--no-patch", `--format=${fields.join("%n")}`, "HEAD"]);
  const [name, email, date, committer, committerEmail, committed, parents = "", ...message] =
    shown.split("\n");
  const { data } = await client.request("POST /repos/{owner}/{repo}/git/commits", {
    ...place,
    message: message.join("\n"),
    tree: made.data.sha,
    parents: parents.split(" ").filter((parent) => parent !== ""),
    author: { name: name!, email: email!, date: date! },
    committer: { name: committer!, email: committerEmail!, date: committed! },
  });
  const head = await project.git(["rev-parse", "HEAD"]);
  if (data.sha !== head) throw new Error(`the emulator calls ${head} ${data.sha}`);
  return head;
}
