import type { Node, RangeVar } from "libpg-query";
import { joined, relationOf, type RelationName } from "./names.ts";
import { parseSql } from "./parse.ts";
import { plainLocks } from "./plain-locks.ts";
import type { Statement } from "./statements.ts";

/** Table-level lock modes that keep others' reads or writes waiting, weakest first. */
export type StrongMode = "ShareLock" | "ShareRowExclusiveLock" | "AccessExclusiveLock";

/** A relation that a statement locks; it may be one that the statement or one before it makes. */
export interface LockTarget {
  relation: RelationName;
  mode: StrongMode;
}

/** Statements that can take such a lock; the others are not parsed. */
const CANDIDATE =
  /^(alter|drop|truncate|lock|cluster|reindex|refresh|comment on constraint)\b|^create (unique )?index (?!concurrently\b)|^create (or replace )?(constraint )?(trigger|rule|policy)\b|^create or replace (temp\w* )?(recursive )?view\b|^create .*\b(references|inherits|partition of)\b/i;

/**
 * What statements lock, as far as their text tells: locks that come by cascades, functions and DO blocks are
 * not seen. A statement that cannot be parsed locks nothing here: the database is going to refuse it.
 */
export async function strongLocks(statements: readonly Statement[]): Promise<LockTarget[]> {
  await foreseeLocks(statements);
  const targets = new Map<string, LockTarget>();
  for (const target of statements.flatMap((statement) => known.get(statement) ?? [])) {
    const key = JSON.stringify([target.relation.schema, target.relation.name]);
    const before = targets.get(key);
    if (before === undefined || isStronger(target.mode, before.mode)) targets.set(key, target);
  }
  return [...targets.values()];
}

/** Prepares strongLocks for many statements: to parse them together costs a fraction of parsing each. */
export async function foreseeLocks(statements: readonly Statement[]): Promise<void> {
  for (const statement of statements) {
    const plain = known.has(statement) ? undefined : plainLocks(statement.code);
    if (plain !== undefined) known.set(statement, plain);
  }
  const open = statements.filter((statement) => !known.has(statement) && CANDIDATE.test(statement.code));
  for (let start = 0; start < open.length; start += TOGETHER) {
    const some = open.slice(start, start + TOGETHER);
    const parsed = await parseSql(some.map(({ text }) => text).join(";\n"));
    if ("statements" in parsed && parsed.statements.length === some.length) {
      for (const [index, statement] of some.entries())
        known.set(statement, locksOf(parsed.statements[index]!.node));
      continue;
    }
    for (const statement of some) {
      const alone = await parseSql(statement.text);
      known.set(
        statement,
        "statements" in alone ? alone.statements.flatMap(({ node }) => locksOf(node)) : [],
      );
    }
  }
}

const TOGETHER = 50;
const known = new WeakMap<Statement, LockTarget[]>();

const MODES: readonly StrongMode[] = ["ShareLock", "ShareRowExclusiveLock", "AccessExclusiveLock"];
/** Commands of ALTER TABLE that take no more than SHARE UPDATE EXCLUSIVE. */
const WEAK_COMMANDS = [
  "AT_ValidateConstraint",
  "AT_SetStatistics",
  "AT_SetOptions",
  "AT_ResetOptions",
  "AT_SetRelOptions",
  "AT_ResetRelOptions",
  "AT_ClusterOn",
  "AT_DropCluster",
];
/** What the objects of a DROP are found under: the relation itself, or the one they belong to. */
const DROPPED_RELATIONS = [
  "OBJECT_TABLE",
  "OBJECT_VIEW",
  "OBJECT_MATVIEW",
  "OBJECT_INDEX",
  "OBJECT_SEQUENCE",
  "OBJECT_FOREIGN_TABLE",
];
const DROPPED_PARTS = ["OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"];
const LOCK_MODES: Record<number, StrongMode> = {
  5: "ShareLock",
  6: "ShareRowExclusiveLock",
  7: "AccessExclusiveLock",
  8: "AccessExclusiveLock",
};

function isStronger(mode: StrongMode, than: StrongMode): boolean {
  return MODES.indexOf(mode) > MODES.indexOf(than);
}

/** What one parsed statement locks. */
export function locksOf(node: Node): LockTarget[] {
  if ("AlterTableStmt" in node) return alterLocks(node.AlterTableStmt);
  if ("CreateStmt" in node) return createLocks(node.CreateStmt);
  if ("DropStmt" in node) return dropLocks(node.DropStmt);
  if ("IndexStmt" in node)
    return node.IndexStmt.concurrent === true ? [] : on(node.IndexStmt.relation, "ShareLock");
  if ("ReindexStmt" in node) return on(node.ReindexStmt.relation, "ShareLock");
  if ("RenameStmt" in node) return on(node.RenameStmt.relation);
  if ("AlterObjectSchemaStmt" in node) return on(node.AlterObjectSchemaStmt.relation);
  if ("CreatePolicyStmt" in node) return on(node.CreatePolicyStmt.table);
  if ("AlterPolicyStmt" in node) return on(node.AlterPolicyStmt.table);
  if ("RuleStmt" in node) return on(node.RuleStmt.relation);
  if ("ViewStmt" in node) return on(node.ViewStmt.view);
  if ("RefreshMatViewStmt" in node)
    return node.RefreshMatViewStmt.concurrent === true ? [] : on(node.RefreshMatViewStmt.relation);
  if ("ClusterStmt" in node) return on(node.ClusterStmt.relation);
  if ("AlterSeqStmt" in node) return on(node.AlterSeqStmt.sequence, "ShareRowExclusiveLock");
  if ("CreateTrigStmt" in node) return on(node.CreateTrigStmt.relation, "ShareRowExclusiveLock");
  if ("TruncateStmt" in node) return ranges(node.TruncateStmt.relations, "AccessExclusiveLock");
  if ("LockStmt" in node) {
    const mode = LOCK_MODES[node.LockStmt.mode ?? 0];
    return mode === undefined ? [] : ranges(node.LockStmt.relations, mode);
  }
  return [];
}

type Of<Key extends string> = Extract<Node, Record<Key, unknown>>[Key &
  keyof Extract<Node, Record<Key, unknown>>];

function alterLocks({ relation, cmds = [] }: Of<"AlterTableStmt">): LockTarget[] {
  const commands = cmds.flatMap((command) => ("AlterTableCmd" in command ? [command.AlterTableCmd] : []));
  const strong = commands.filter(({ subtype }) => !WEAK_COMMANDS.includes(subtype ?? ""));
  const others = commands.flatMap(({ def }) => (def === undefined ? [] : referenced(def)));
  const isForeignKeyOnly =
    strong.length > 0 &&
    strong.every(
      ({ subtype, def }) => subtype === "AT_AddConstraint" && def !== undefined && isForeignKey(def),
    );
  const attached = commands.flatMap(({ subtype, def }) =>
    /^AT_(Attach|Detach)Partition/.test(subtype ?? "") && def !== undefined && "PartitionCmd" in def
      ? on(def.PartitionCmd.name)
      : [],
  );
  const isAttach = strong.length > 0 && strong.every(({ subtype }) => subtype === "AT_AttachPartition");
  const own =
    strong.length === 0 || isAttach
      ? []
      : on(relation, isForeignKeyOnly ? "ShareRowExclusiveLock" : "AccessExclusiveLock");
  return [...own, ...others, ...attached];
}

function createLocks({ tableElts = [], inhRelations = [], partbound }: Of<"CreateStmt">): LockTarget[] {
  const parents = partbound === undefined ? [] : ranges(inhRelations, "AccessExclusiveLock");
  return [...parents, ...tableElts.flatMap(referenced)];
}

function dropLocks({ removeType, objects = [], concurrent }: Of<"DropStmt">): LockTarget[] {
  if (concurrent === true) return [];
  return objects.flatMap((object) => {
    if (!("List" in object)) return [];
    const parts = object.List.items ?? [];
    const isPart = DROPPED_PARTS.includes(removeType ?? "");
    if (!isPart && !DROPPED_RELATIONS.includes(removeType ?? "")) return [];
    const relation = joined(isPart ? parts.slice(0, -1) : parts);
    return relation === undefined ? [] : [{ relation, mode: "AccessExclusiveLock" as const }];
  });
}

/** Tables that foreign keys in a column or constraint refer to. */
function referenced(node: Node): LockTarget[] {
  if ("ColumnDef" in node) return (node.ColumnDef.constraints ?? []).flatMap(referenced);
  return isForeignKey(node) ? on(node.Constraint.pktable, "ShareRowExclusiveLock") : [];
}

function isForeignKey(node: Node): node is Extract<Node, { Constraint: unknown }> {
  return "Constraint" in node && node.Constraint.contype === "CONSTR_FOREIGN";
}

function ranges(nodes: readonly Node[] | undefined, mode: StrongMode): LockTarget[] {
  return (nodes ?? []).flatMap((node) => ("RangeVar" in node ? on(node.RangeVar, mode) : []));
}

function on(range: RangeVar | undefined, mode: StrongMode = "AccessExclusiveLock"): LockTarget[] {
  return range === undefined ? [] : [{ relation: relationOf(range), mode }];
}
