import { join } from "node:path";
import { addedLinesArguments, addedTexts } from "./added-lines.ts";
import { readText } from "./read-text.ts";
import type { Asked, Repository } from "./repository.ts";
import type { Finding, Scanner } from "./scan.ts";

export interface TreeScan {
  findings: Finding[];
  /** How many files were looked through, and how many are not text. */
  files: number;
  binary: number;
  /** Files that could not be looked through. */
  unread: { file: string; reason: string }[];
}

/** Looks through every file that git tracks, as it is on disk. */
export async function scanTree(
  repository: Repository,
  scan: Scanner,
  signal: AbortSignal,
): Promise<Asked<TreeScan>> {
  const tracked = await repository.trackedFiles();
  if (tracked.state === "silent") return tracked;
  const result: TreeScan = { findings: [], files: 0, binary: 0, unread: [] };
  for (const { path, kind } of tracked.value) {
    if (kind !== "file") continue;
    signal.throwIfAborted();
    const read = readText(join(repository.root, path));
    if (read.state === "binary") result.binary++;
    else if (read.state === "unread") result.unread.push({ file: path, reason: read.reason });
    else {
      result.files++;
      result.findings.push(...(await scan(path, read.text)));
    }
  }
  return { state: "answered", value: result };
}

/** Looks through what each commit since a revision added: also what a later commit took away again. */
export async function scanHistory(
  repository: Repository,
  since: string,
  scan: Scanner,
  signal: AbortSignal,
): Promise<Asked<{ findings: Finding[] }>> {
  const shallow = await repository.git(["rev-parse", "--is-shallow-repository"]);
  if (shallow.state === "silent") return shallow;
  if (shallow.value.trim() === "true")
    return { state: "silent", reason: "this clone is shallow: commits may be missing" };
  const base = await repository.commit(since);
  if (base === undefined) return { state: "silent", reason: `there is no commit ${since} here` };
  const log = await repository.git(addedLinesArguments(base));
  if (log.state === "silent") return log;
  const findings: Finding[] = [];
  for (const { commit, file, text, lineNumbers } of addedTexts(log.value)) {
    signal.throwIfAborted();
    for (const finding of await scan(file, text))
      findings.push({ ...finding, line: lineNumbers[finding.line - 1]!, commit: commit.slice(0, 12) });
  }
  return { state: "answered", value: { findings } };
}
