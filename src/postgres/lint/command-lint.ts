import { basename } from "node:path";

/** A command that must not run against a database in use. */
export interface CommandFinding {
  /** For '# tminus: allow <rule> <reason>' in a script. */
  rule: "reset-of-a-remote-database" | "restore-over-a-live-database" | "end-every-backend";
  /** Line of the script, counted from 1; 1 for an argument list. */
  line: number;
  /** What happens, without a full stop. */
  reason: string;
  /** What to do instead, an imperative. */
  fix: string;
}

/**
 * What is known to destroy a database or to stop its application in an argument list. It reads what is written
 * out: what a variable holds, or another program starts, it cannot see.
 */
export function lintArgv(argv: readonly string[]): CommandFinding[] {
  const [program = "", flag = "", script = ""] = argv;
  if (/^(ba|da|z)?sh$/.test(basename(program)) && /^-[a-z]*c$/.test(flag)) return lintScript(script);
  return [
    ...lintWords(argv, 1),
    ...endsEverybody(argv.join("\n")).map((finding) => ({ ...finding, line: 1 })),
  ];
}

/** The same in the text of a shell script, line by line. A line '# tminus: allow <rule> <reason>' allows a rule. */
export function lintScript(text: string): CommandFinding[] {
  const allowed = new Set(
    [...text.matchAll(/^[^\S\n]*#[^\S\n]*tminus:[^\S\n]*allow[^\S\n]+(\S+)[^\S\n]+\S/gim)].map(
      ([, rule]) => rule,
    ),
  );
  const commands = commandsIn(text);
  const made = new Set(
    commands.filter(({ words }) => words.includes("createdb")).map(({ words }) => bare(words.at(-1))),
  );
  const found = [
    ...commands.flatMap(({ words, line }) => lintWords(words, line, made)),
    ...endsEverybody(text),
  ];
  return found.filter(({ rule }) => !allowed.has(rule)).toSorted((a, b) => a.line - b.line);
}

/** One pipeline, cut into words. */
function lintWords(
  words: readonly string[],
  line: number,
  made: ReadonlySet<string> = new Set(),
): CommandFinding[] {
  if (resetsRemote(words)) {
    return [
      {
        rule: "reset-of-a-remote-database",
        line,
        reason: "it drops everything in the database and runs the migrations again: every row is lost",
        fix: "Undo with the down sections (tminus rollback), or restore a proven backup into a new database.",
      },
    ];
  }
  if (restoresOver(words, made)) {
    return [
      {
        rule: "restore-over-a-live-database",
        line,
        reason:
          "a dump over a database in use loses or mixes up what was written since: rows twice, sequences set back, and psql still exits with 0",
        fix: "Mend forward or with the down sections; else `tminus db restore` into a new database, and compare before you switch.",
      },
    ];
  }
  return [];
}

/** `supabase db reset` of anything but the local database, `prisma migrate reset`. */
function resetsRemote(words: readonly string[]): boolean {
  const named = words.filter((word) => !word.startsWith("-"));
  const after = (program: RegExp): readonly string[] => {
    const at = named.findIndex((word) => program.test(basename(word)));
    return at === -1 ? [] : named.slice(at + 1);
  };
  const supabase = after(/^supabase(@.+)?$/);
  const isReset = supabase.some((word, index) => word === "db" && supabase[index + 1] === "reset");
  const isRemote = words.some((word) => /^--(linked|db-url|remote|project-ref)(=|$)/.test(word));
  const prisma = after(/^prisma(@.+)?$/);
  return (isReset && isRemote) || (prisma[0] === "migrate" && prisma[1] === "reset");
}

const DUMP = /dump|back-?ups?\b|\bbak\b|snapshot|pre-deploy/i;

/** `psql URL < dump`, `psql -f dump`, `gunzip -c dump | psql URL`, and pg_restore into what the script did not make. */
function restoresOver(words: readonly string[], made: ReadonlySet<string>): boolean {
  const target = targetOf(words);
  if (target !== undefined && made.has(bare(target))) return false;
  const restore = words.findIndex((word) => /^pg_restore$/.test(basename(word)));
  const own = restore === -1 ? [] : words.slice(restore + 1);
  const isList = own.some((word) => word === "-l" || word === "--list");
  // Without --clean, --create makes a database of its own, or fails.
  const makesItsOwn = hasFlag(own, "C", "--create") && !hasFlag(own, "c", "--clean");
  if (restore !== -1 && !isList && !makesItsOwn && hasTarget(own)) return true;
  const psql = words.findIndex((word) => basename(word) === "psql");
  if (psql === -1) return false;
  const isFed = words.slice(0, psql).includes("|");
  const source = isFed ? words.slice(0, psql) : sourcesOf(words.slice(psql + 1));
  // Copying from another database is not putting an old state back.
  if (source.some((word) => /^pg_dump(all)?$/.test(basename(word)))) return false;
  return source.some((word) => DUMP.test(word) || basename(word) === "pg_restore");
}

function hasFlag(words: readonly string[], letter: string, long: string): boolean {
  return words.some((word) => word === long || (/^-[a-zA-Z]+$/.test(word) && word.includes(letter)));
}

function hasTarget(words: readonly string[]): boolean {
  return words.some((word) => /^(-d|--dbname)/.test(word));
}

/** What psql reads: behind `<`, -f and --file. */
function sourcesOf(words: readonly string[]): string[] {
  return words.flatMap((word, index) => {
    if (word === "<" || word === "-f" || word === "--file") return [words[index + 1] ?? ""];
    return /^(<[^<(]|--file=|-f.)/.test(word) ? [word] : [];
  });
}

function targetOf(words: readonly string[]): string | undefined {
  for (const [index, word] of words.entries()) {
    if (word === "-d" || word === "--dbname") return words[index + 1];
    const joined = /^(?:--dbname=|-d)(.+)$/.exec(word)?.[1];
    if (joined !== undefined) return joined;
  }
  const psql = words.findIndex((word) => basename(word) === "psql");
  return psql === -1
    ? undefined
    : words.slice(psql + 1).find((word) => !word.startsWith("-") && word !== "<");
}

function bare(name: string | undefined): string {
  return (name ?? "").replaceAll(/["'{}]/g, "");
}

/** pg_terminate_backend over the rows of pg_stat_activity, when it is neither for blockers nor for one pid. */
function endsEverybody(text: string): CommandFinding[] {
  const found: CommandFinding[] = [];
  let start = 0;
  for (const sql of text.split(";")) {
    const call = /\bpg_(terminate|cancel)_backend\s*\(/i.exec(sql);
    const isTargeted = /pg_blocking_pids/i.test(sql) || /\bpid\s*(=|in\s*\()\s*['"]?[\d:$]/i.test(sql);
    if (call !== null && /\bpg_stat_activity\b/i.test(sql) && !isTargeted) {
      found.push({
        rule: "end-every-backend",
        line: text.slice(0, start + call.index).split("\n").length,
        reason: "it ends the application's own sessions together with those that are in the way",
        fix: "End only what blocks somebody: `tminus db locks` names it, `tminus db cancel <pid>` ends it.",
      });
    }
    start += sql.length + 1;
  }
  return found;
}

/** The pipelines of a shell script with the line at which each begins; comments are left out. */
function commandsIn(text: string): { words: string[]; line: number }[] {
  const commands: { words: string[]; line: number }[] = [];
  let current: { words: string[]; line: number } | undefined;
  let line = 1;
  for (const [token] of text.matchAll(TOKEN)) {
    if (/^\s+$/.test(token) || token === "\\\n" || token.startsWith("#")) {
      if (token.includes("\n") && token !== "\\\n") current = undefined;
    } else if (/^(;|&&|\|\||&)$/.test(token)) current = undefined;
    else {
      if (current === undefined) commands.push((current = { words: [], line }));
      current.words.push(token.replaceAll(/^["']|["']$/g, ""));
    }
    line += token.split("\n").length - 1;
  }
  return commands;
}

/** Line continuation, line end, blanks, comment, operator, redirection, word with its quoted parts. */
const TOKEN =
  /\\\n|\n|[^\S\n]+|#[^\n]*|&&|\|\||[;&|]|<(?!\()|(?:"(?:\\[^]|[^"\\])*"|'[^']*'|\\[^]|[^\s;&|<"'\\])+|[^]/g;
