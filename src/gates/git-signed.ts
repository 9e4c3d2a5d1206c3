import * as z from "zod";
import { expectOutput, inRepository, shortCommit, type Repository } from "./git/repository.ts";
import { countSignatures, readSignatures, type Signature } from "./git/signatures.ts";
import { defineGate } from "./define.ts";
import { unknown } from "./unknown.ts";

const MAX_COMMITS = 500;

const schema = z
  .strictObject({
    commits: z
      .int()
      .min(1)
      .max(MAX_COMMITS)
      .optional()
      .describe("How many commits are looked at, from the one checked out backwards; 1 when left out"),
    since: z
      .string()
      .min(1)
      .max(250)
      .optional()
      .describe('In place of a number: those that this commit or tag does not have, as "{previous}"'),
  })
  .refine(({ commits, since }) => commits === undefined || since === undefined, {
    error: "has both commits and since; only one can be meant",
    path: ["since"],
  });

/**
 * Passes when every one of the commits has a good signature by a key that git trusts. Who is trusted is git's own
 * configuration: gpg's keyring, or gpg.ssh.allowedSignersFile.
 */
export const gitSigned = defineGate({
  kind: "git.signed",
  summary:
    "Passes when the last commits, or those since the previous release, have good signatures of trusted keys.",
  requirements: ["B2"],
  schema,
  example: 'since: "{previous}"\n',

  check: (context) =>
    inRepository(context, async (repository) => {
      if ((await repository.head()) === undefined)
        return { verdict: "fail", reason: "nothing was ever committed", fix: "commit" };
      const chosen = await choose(repository, context.with);
      if ("unknown" in chosen) return unknown(chosen.unknown, chosen.fix);
      if (chosen.ids.length === 0)
        return { verdict: "pass", reason: `no commit since ${context.with.since}`, evidence: { commits: 0 } };
      const signatures = await readSignatures(repository, chosen.ids);
      const of = (state: Signature["state"]): Signature[] =>
        signatures.filter((signature) => signature.state === state);
      const evidence = { commits: signatures.length, ...countSignatures(signatures) };
      const [bad] = of("bad");
      if (bad !== undefined)
        return {
          verdict: "fail",
          reason: `${say(bad)}${more(of("bad").length)}`,
          evidence,
          fix: "sign these commits anew, or find out who made them",
        };
      const [unclear] = of("unclear");
      if (unclear !== undefined)
        return {
          ...unknown(
            `${say(unclear)}${more(of("unclear").length)}`,
            "make the signers' keys known to git here: gpg's keyring, or gpg.ssh.allowedSignersFile",
          ),
          evidence,
        };
      const who = [...new Set(signatures.map(({ signer }) => signer))].join(", ");
      const what = signatures.length === 1 ? "1 commit is" : `${signatures.length} commits are`;
      return { verdict: "pass", reason: `${what} signed by ${who}`, evidence };
    }),
});

type Chosen = { ids: string[] } | { unknown: string; fix: string };

async function choose(
  repository: Repository,
  { commits = 1, since }: z.output<typeof schema>,
): Promise<Chosen> {
  const list = async (range: string, limit: number): Promise<string[]> =>
    expectOutput(await repository.git(["rev-list", `--max-count=${limit}`, range, "--"]))
      .split("\n")
      .filter((id) => id !== "");
  const shallow = { fix: "run git fetch --unshallow" };
  if (since === undefined) {
    const ids = await list("HEAD", commits);
    if (ids.length < commits && (await repository.isShallow()))
      return {
        unknown: `the clone is shallow: only ${ids.length} of ${commits} commits are here`,
        ...shallow,
      };
    return { ids };
  }
  const start = await repository.git([
    "rev-parse",
    "--verify",
    "--quiet",
    "--end-of-options",
    `${since}^{commit}`,
  ]);
  if (start.exitCode !== 0)
    return { unknown: `there is no commit ${since} here`, fix: "fetch its tag, or name a number of commits" };
  if (await repository.isShallow())
    return { unknown: `the clone is shallow: the commits since ${since} may not all be here`, ...shallow };
  const ids = await list(`${start.stdout.trim()}..HEAD`, MAX_COMMITS + 1);
  if (ids.length > MAX_COMMITS)
    return {
      unknown: `there are more than ${MAX_COMMITS} commits since ${since}`,
      fix: "name a later commit",
    };
  return { ids };
}

function say({ commit, reason }: Signature): string {
  return `${shortCommit(commit)} ${reason}`;
}

function more(count: number): string {
  return count > 1 ? `, and ${count - 1} more like it` : "";
}
