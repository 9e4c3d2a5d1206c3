import type { ParsedStatement } from "../sql/parse.ts";
import type { Catalog } from "./catalog/catalog.ts";
import type { RuleFinding, Severity } from "./finding.ts";
import type { LintFile } from "./lint-file.ts";

/** One thing that a migration should not do unseen. One file per rule, one line in registry.ts. */
export interface LintRule {
  /** Kebab words, named after what is wrong: "index-without-concurrently". Never changes: people write it down. */
  id: string;
  /** One sentence. */
  summary: string;
  severity: Severity;
  /** A matter of taste: off unless asked for. */
  style?: true;
  /** Requirement ids that it answers: ["C6"]. */
  requirements: readonly string[];
  /** What happens to a running application, in plain words, for the documentation. */
  why: string;
  /** Each is executed in a test on the tables of example-schema.ts, shows its effect, and is found by the rule. */
  bad: readonly BadExample[];
  /** What to write instead: each is executed, does not show the bad ones' effects, and is not found. */
  good: readonly Example[];
  check(statement: LintStatement, context: LintContext): RuleFinding[];
  /**
   * The safe way to the same end, or why there is none for this statement. Pure. Replaces the whole statement, which
   * never has anything else to keep: an ALTER TABLE is cut up before, so that a finding with `command` comes here
   * with that one command alone, `command` 0, and a catalog that knows what the commands before it did. Never asked
   * for what stands in a DO block. The SQL may say what other rules find: it is linted and rewritten again.
   * test/postgres/lint/test-rewrites.ts runs the rewrite of every bad example, alone and among other commands.
   */
  rewrite?(finding: RuleFinding, statement: LintStatement, context: LintContext): Rewrite | NotRewritten;
  /**
   * Why no safe way is certain, and what people have to decide instead; one sentence. Every rule that blocks or asks
   * has this or `rewrite`.
   */
  noRewrite?: string;
}

/** What stands for one statement. */
export interface Rewrite {
  /**
   * In the order in which they run; empty when the statement is only to be left out. db.migrate applies all files
   * of the phases expand and migrate before db.backfill runs, and db.contract comes after both: behind a backfill
   * there may only be files of the phase contract, and behind such a file only others of it.
   */
  steps: readonly Replacement[];
  /**
   * Objects that are not afterwards what the original statement would have made them, as the drift fingerprint names
   * them ("index public.users_visits_idx"), and why that is meant. All of them and no others may differ.
   */
  differs?: readonly { object: string; because: string }[];
  /** Columns whose values are not those that the original would have given ("public.users.token"): random ones. */
  otherValues?: readonly string[];
  /**
   * For an original that PostgreSQL refuses whatever is in the database, so that there is no schema to compare with:
   * a query whose one value is true when the sequence has run.
   */
  ends?: string;
}

/** Why a rule that can rewrite leaves this statement alone, and what to do instead; one sentence. */
export interface NotRewritten {
  reason: string;
}

export type Replacement = FileReplacement | BackfillReplacement;

/** One migration file of a rewrite. */
export interface FileReplacement {
  /** Becomes part of the file's name: "validate". Kebab words. */
  suffix: string;
  /** False: its one statement runs outside a transaction. */
  transactional: boolean;
  /** Statements with their semicolons. sql-of.ts writes trees; names that PostgreSQL would choose: chosen-name.ts. */
  sql: string;
  /**
   * What takes it back when those after it are taken back, where that is certain; one statement when it is not
   * transactional. It may leave something to the down sections before it, or do their work: then those need IF EXISTS.
   */
  down?: string;
  /** The phase that the file must name; that of the rewritten file when left out. */
  phase?: "migrate" | "contract";
}

/** A step db.backfill for the runbook: a sync trigger and batches (model/backfill.ts). */
export interface BackfillReplacement {
  backfill: {
    /** With its schema. */
    table: string;
    /** Column to SQL expression over the same row. */
    set: Readonly<Record<string, string>>;
    where?: string;
    /** "keep": rows that the running release writes are filled until the contract file drops what they need. */
    trigger?: "keep";
  };
}

/** SQL on top of example-schema.ts: one migration file, or several that run one after the other. */
export interface Example {
  sql: ExampleFile | readonly ExampleFile[];
  /** SQL that an earlier migration already ran. */
  before?: string;
}

/** A file in one transaction, or one whose statements each run outside a transaction. */
export type ExampleFile = string | { outside: string };

export interface BadExample extends Example {
  effect: Effect;
  /** Set when the rule's rewrite gives a reason instead: the test expects one. */
  isLeft?: true;
  /** What people have to do before the phase contract of its rewrite: give rows the values that only they know. */
  meanwhile?: string;
  /** The same, where the original runs only on such rows, too: they are compared. */
  fits?: string;
}

/** What makes an example bad, as a test can see it. */
export type Effect =
  /** It holds this lock, or a stronger one, on a table (or its index) that is there already, until it commits. */
  | { lock: LockMode; on: string }
  /** PostgreSQL refuses it with this SQLSTATE. */
  | { error: string }
  /** The table gets a new file: all rows are written again. */
  | { rewrites: string }
  /** All rows of the table are read while its lock is held. */
  | { scans: string }
  /** A statement of the running application that worked before and fails after. */
  | { breaks: string }
  /** A query whose one value is true afterwards, and is not with the good examples. */
  | { shows: string }
  /** It cannot be shown by running it here; why. */
  | { unseen: string };

/** Weakest first, as PostgreSQL orders them. */
export const LOCK_MODES = [
  "AccessShareLock",
  "RowShareLock",
  "RowExclusiveLock",
  "ShareUpdateExclusiveLock",
  "ShareLock",
  "ShareRowExclusiveLock",
  "ExclusiveLock",
  "AccessExclusiveLock",
] as const;
export type LockMode = (typeof LOCK_MODES)[number];

/** A statement with what surrounds it. */
export interface LintStatement extends ParsedStatement {
  /** Which statement of the file, counted from 0. */
  index: number;
  /** Statements with the same number run in one transaction; undefined: alone, outside any. */
  transaction: number | undefined;
  /** Set when it stands in the body of a DO block: it runs in the block's transaction. */
  inBody?: true;
}

/** What a rule may know. */
export interface LintContext {
  /** The schema before the statement, as far as the files tell. */
  catalog: Catalog;
  file: LintFile;
  /** All statements of the file in order, those of DO blocks behind the block. */
  statements: readonly LintStatement[];
  /** Those of the files that run behind this one, but before what is moved to a backfill or to the phase contract. */
  followers: readonly LintStatement[];
  /** Those before this one in the same transaction. */
  earlier: readonly LintStatement[];
  /** Those after this one in the same transaction. */
  later: readonly LintStatement[];
  /**
   * Whether a table may hold many rows and be in use: it is not made by the same batch of migrations, and not known
   * to be small. Takes a key of `catalog.keyOf`; of a table that no file makes it is true.
   */
  isLive(table: string): boolean;
  /** Whether the batch itself makes the table: nobody uses it yet. */
  isNew(table: string): boolean;
  /** Whether the file with this number (`madeIn` of what the catalog holds) belongs to the batch. */
  isInBatch(file: number): boolean;
  /** Undefined when nobody asked a database. */
  sizeOf(table: string): TableSize | undefined;
}

export interface TableSize {
  /** Estimated by the database's statistics. */
  rows: number;
  /** With its indexes and toasted values. */
  bytes: number;
}

/** By "schema.table", from the live database. */
export type TableSizes = ReadonlyMap<string, TableSize>;

/** Declares a rule. */
export function defineRule(rule: LintRule): LintRule {
  return rule;
}
