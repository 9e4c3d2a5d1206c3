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
   * The safe way to the same end, in the order in which it runs. Undefined when there is none that is certain.
   * Pure. Replaces the whole statement; a finding of one command of an ALTER TABLE that has others must keep those.
   */
  rewrite?(finding: RuleFinding, statement: LintStatement, context: LintContext): Replacement[] | undefined;
}

/** One migration file of a rewrite. */
export interface Replacement {
  /** Becomes part of the file's name: "validate". Kebab words. */
  suffix: string;
  /** False: its one statement runs outside a transaction. */
  transactional: boolean;
  /** Statements with their semicolons. */
  sql: string;
  /** What takes it back, when that is certain. */
  down?: string;
  /** The phase that the file must name; expand when left out. */
  phase?: "migrate" | "contract";
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
