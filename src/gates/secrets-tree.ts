import * as z from "zod";
import type { GateContext, GateVerdict } from "../model/gate-kind.ts";
import { defineGate } from "./define.ts";
import { readListFile } from "./list-file.ts";
import { sayNames } from "./say-names.ts";
import type { AllowedSecret, SortedFindings } from "./secrets/allow-list.ts";
import type { TreeScan } from "./secrets/find-secrets.ts";
import type { Repository } from "./secrets/repository.ts";
import type { Finding, Scanner } from "./secrets/scan.ts";
import { unknown } from "./unknown.ts";

const schema = z.strictObject({
  since: z
    .string()
    .min(1)
    .max(250)
    .optional()
    .describe(
      "Branch, tag or commit: what each commit since then added is looked through, too. {previous} is the release that is live",
    ),
  allowed: z
    .string()
    .min(1)
    .optional()
    .describe("YAML file in the project that lists what may stay: file, rule, sample, reason, until"),
});

type Context = GateContext<z.output<typeof schema>>;

const LISTED = 50;

/** Passes when no secret stands in what git tracks, nor in what the commits of the release added. */
export const secretsTree = defineGate({
  kind: "secrets.tree",
  summary: "Passes when no secret is found in the files that git tracks, nor in the commits of the release.",
  requirements: ["B4"],
  notes: [
    "The whole repository is looked through by the recommended rules of secretlint and by rules for keys of Supabase and tokens of Vercel. Comments that switch rules off have no effect. What may stay is listed in a file:",
    "```yaml\n- file: test/fixtures/*\n  rule: github\n  sample: ghp_… (40 characters)\n  reason: made up for the tests of the parser\n  until: 2027-06-30\n```",
    "`file`, `rule` and `sample` are as the gate prints them; without `sample` the entry covers every secret of that rule in the file. After `until` it covers nothing. A secret that was committed is known to everybody who has the repository: rotate it before it is listed. What only a merge commit brought is looked for in the files, not in the history.",
  ],
  schema,
  example: 'since: "{previous}"\nallowed: secrets-allowed.yaml\n',

  async check(context): Promise<GateVerdict> {
    const entries = await allowedOf(context);
    if ("verdict" in entries) return entries;
    const repositories = await import("./secrets/repository.ts");
    const { openScanner } = await import("./secrets/scan.ts");
    const { scanTree } = await import("./secrets/find-secrets.ts");
    const { sortFindings } = await import("./secrets/allow-list.ts");
    const found = await repositories.Repository.find(context);
    if (found.state === "silent") return unknown(found.reason, "run it inside a clone of the repository");
    const scan = await openScanner();
    context.progress("looking through the files that git tracks");
    const tree = await scanTree(found.value, scan, context.signal);
    if (tree.state === "silent") return unknown(tree.reason, "run git ls-files by hand to see why");

    const history = await historyOf(found.value, scan, context);
    const findings = [...tree.value.findings, ...newOf(history.findings, tree.value.findings)];
    return judge(tree.value, history, sortFindings(findings, entries.allowed, context.clock.now()));
  },
});

interface HistoryScan {
  findings: Finding[];
  /** For the evidence: from where on it was looked through, or why not. */
  said: string;
  /** Why it could not be looked through. */
  gap?: string;
}

/** What the commits added, as far as that was asked for. */
async function historyOf(repository: Repository, scan: Scanner, context: Context): Promise<HistoryScan> {
  const { scanHistory } = await import("./secrets/find-secrets.ts");
  const { since } = context.with;
  if (since === undefined) return { findings: [], said: "not looked through" };
  if (since === "{previous}")
    return { findings: [], said: "not looked through: no release is live before this one" };
  context.progress(`looking through the commits since ${since}`);
  const history = await scanHistory(repository, since, scan, context.signal);
  if (history.state === "answered") return { findings: history.value.findings, said: `since ${since}` };
  return { findings: [], said: "could not be looked through", gap: `the history: ${history.reason}` };
}

async function allowedOf(context: Context): Promise<{ allowed: AllowedSecret[] } | GateVerdict> {
  const path = context.with.allowed;
  if (path === undefined) return { allowed: [] };
  const { allowedSecretSchema } = await import("./secrets/allow-list.ts");
  const list = readListFile(context.projectDirectory, path, allowedSecretSchema);
  if (list.state === "unreadable") return unknown(list.reason, "correct the list of what may stay");
  return { allowed: list.items.map(({ value }) => value) };
}

/** Those of the history that are no longer in the files. */
function newOf(history: readonly Finding[], tree: readonly Finding[]): Finding[] {
  const keyOf = ({ file, rule, sample }: Finding): string => JSON.stringify([file, rule, sample]);
  const known = new Set(tree.map(keyOf));
  return history.filter((finding) => !known.has(keyOf(finding)));
}

function judge(
  { files, binary, unread }: TreeScan,
  history: HistoryScan,
  { open, expired, accepted, unused }: SortedFindings,
): GateVerdict {
  const gaps = unread.map(({ file, reason }) => `${file}: ${reason}`);
  if (history.gap !== undefined) gaps.push(history.gap);
  const evidence = {
    files,
    binary,
    history: history.said,
    found: open.length,
    findings: open.slice(0, LISTED).map(sayFinding),
    expired: expired.slice(0, LISTED).map(({ finding, until }) => `${sayFinding(finding)}, until ${until}`),
    accepted: accepted.slice(0, LISTED).map(({ finding, entry }) => ({
      finding: sayFinding(finding),
      reason: entry.reason,
      until: entry.until,
    })),
    unusedExceptions: unused.map(({ file, rule }) => `${file} ${rule}`),
    gaps: gaps.slice(0, LISTED),
  };
  if (open.length > 0) {
    const ended = expired.length === 0 ? "" : ` (the exception of ${expired.length} has ended)`;
    return {
      verdict: "fail",
      reason: `${count(open.length, "secret")}${ended}: ${sayNames(open.map(sayFinding))}`,
      evidence,
      fix: "rotate the secret, take it out, and list it in the file of allowed only when it opens nothing any more",
    };
  }
  if (gaps.length > 0)
    return {
      verdict: "unknown",
      reason: `could not be looked through: ${sayNames(gaps)}`,
      evidence,
      fix: "check out every file and the whole history (git fetch --unshallow), and keep large files out of git",
    };
  const but = accepted.length === 0 ? "" : `, but ${accepted.length} that may stay`;
  return { verdict: "pass", reason: `no secret in ${count(files, "file")}${but}`, evidence };
}

function sayFinding({ file, line, column, rule, sample, commit }: Finding): string {
  return `${file}:${line}:${column} ${rule} ${sample}${commit === undefined ? "" : ` in commit ${commit}`}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
