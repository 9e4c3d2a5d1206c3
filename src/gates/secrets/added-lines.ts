/** What one commit added to one file. */
export interface AddedText {
  commit: string;
  /** From the root of the repository. */
  file: string;
  /** The added lines, one after the other. */
  text: string;
  /** For each of them its number in the file, from 1. */
  lineNumbers: number[];
}

/** Arguments of the `git log` whose output `addedTexts` reads: independent of what a person has configured. */
export function addedLinesArguments(since: string): string[] {
  return [...CONFIGURED, "log", ...PRINTED, "--end-of-options", `${since}..HEAD`, "--"];
}

const CONFIGURED = ["-c", "log.showRoot=true", "-c", "log.showSignature=false", "-c", "diff.submodule=short"];
const PRINTED = [
  "--format=commit %H",
  "-p",
  "-U0",
  "--inter-hunk-context=0",
  "--no-color",
  "--no-renames",
  "--no-ext-diff",
  "--no-textconv",
  "--src-prefix=a/",
  "--dst-prefix=b/",
];

/** Reads the patches of commits, newest first. A file without added lines, or a binary one, gives nothing. Pure. */
export function addedTexts(log: string): AddedText[] {
  const found: AddedText[] = [];
  let commit = "";
  let file: string | undefined;
  let added: { number: number; text: string }[] = [];
  const endFile = (): void => {
    if (file !== undefined && added.length > 0) {
      const text = added.map((line) => line.text).join("\n");
      found.push({ commit, file, text, lineNumbers: added.map(({ number }) => number) });
    }
    added = [];
    file = undefined;
  };
  const lines = log.split("\n");
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]!;
    if (line.startsWith("commit ")) {
      endFile();
      commit = line.slice("commit ".length);
    } else if (line.startsWith("diff --git ")) endFile();
    else if (line.startsWith("+++ ")) file = pathOf(line.slice("+++ ".length));
    const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (hunk === null) continue;
    const [, removed = "1", from = "0", many = "1"] = hunk;
    index += Number(removed);
    for (let number = Number(from); number < Number(from) + Number(many); number++) {
      // Where the last line of a side has no end, a line that begins with a backslash says so.
      do index++;
      while (lines[index]?.startsWith("\\") === true);
      added.push({ number, text: lines[index]?.slice(1) ?? "" });
    }
  }
  endFile();
  return found;
}

/** Git quotes a path that holds quotes, backslashes or control characters; undefined for /dev/null. */
function pathOf(written: string): string | undefined {
  const path = written.replace(/\t$/, "");
  if (path === "/dev/null") return undefined;
  const quoted = /^"b\/(.*)"$/s.exec(path);
  return quoted === null ? path.replace(/^b\//, "") : quoted[1]!.replaceAll(/\\(["\\])/g, "$1");
}
