import { expectOutput, type Repository } from "./repository.ts";

export interface Signature {
  commit: string;
  /** good: by a trusted key. bad: none, wrong, expired or revoked. unclear: it could not be found out. */
  state: "good" | "bad" | "unclear";
  /** A sentence part about the commit: "is not signed". */
  reason: string;
  signer: string;
}

/** Each signature is checked by a program of its own. */
const LIMIT_MS = 120_000;

/** What proves a wrong signature, of gpg and of ssh-keygen. git says "bad" also when neither could be run. */
const PROOF_OF_WRONG = /^\[GNUPG:\] BADSIG |incorrect signature/m;

/** In the order given. Throws GIT_SILENT. */
export async function readSignatures(repository: Repository, ids: readonly string[]): Promise<Signature[]> {
  const format = "--format=%H%x09%G?%x09%GK%x09%GS";
  const shown = ["log", "--no-walk=unsorted", "--no-show-signature", "--no-color", format, ...ids, "--"];
  const lines = expectOutput(await repository.git(shown, LIMIT_MS)).split("\n");
  const found: Signature[] = [];
  for (const line of lines) {
    const [commit = "", letter = "", key = "", signer = ""] = line.split("\t");
    found.push({
      commit,
      signer: signer === "" ? key : signer,
      ...(await judge(repository, commit, letter, key)),
    });
  }
  return found;
}

export function countSignatures(signatures: readonly Signature[]): Record<Signature["state"], number> {
  const counts = { good: 0, bad: 0, unclear: 0 };
  for (const { state } of signatures) counts[state]++;
  return counts;
}

type Judged = Pick<Signature, "state" | "reason">;

/** `letter` as %G? in git-log(1). */
async function judge(repository: Repository, commit: string, letter: string, key: string): Promise<Judged> {
  switch (letter) {
    case "G":
      return { state: "good", reason: "is signed" };
    case "X":
      return { state: "bad", reason: "has a signature that has expired" };
    case "Y":
      return { state: "bad", reason: `is signed by a key that has expired (${key})` };
    case "R":
      return { state: "bad", reason: `is signed by a key that was revoked (${key})` };
    case "B":
      return whetherWrong(repository, commit);
    case "N":
      // Also the answer when signatures of this kind cannot be checked at all.
      return (await hasSignature(repository, commit))
        ? { state: "unclear", reason: "is signed, but git is not set up to check that signature" }
        : { state: "bad", reason: "is not signed" };
    default:
      return { state: "unclear", reason: `is signed by a key that is not known here (${key})` };
  }
}

async function whetherWrong(repository: Repository, commit: string): Promise<Judged> {
  const checked = await repository.git(["verify-commit", "--raw", commit]);
  if (PROOF_OF_WRONG.test(checked.output)) return { state: "bad", reason: "has a wrong signature" };
  return { state: "unclear", reason: `has a signature that could not be checked: ${checked.said}` };
}

async function hasSignature(repository: Repository, commit: string): Promise<boolean> {
  const content = (await repository.git(["cat-file", "commit", commit])).stdout;
  return /^gpgsig(-sha256)? /m.test(content.split("\n\n", 1)[0]!);
}
