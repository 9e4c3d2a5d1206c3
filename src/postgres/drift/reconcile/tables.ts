import type { CatalogObject } from "../fingerprint.ts";
import { differs, losing, step, textOf, textsOf, type Reconcile, type ReconcilingStep } from "./step.ts";

export const reconcileTable: Reconcile = (difference) => {
  const { state, expected, live, identity } = difference;
  if (expected === undefined) return [losing("drop table", `drop table ${identity}`)];
  if (state === "missing") {
    if (expected.sql === null) return { byHand: "create the partitioned, foreign or inheriting table" };
    return [step("create table", expected.sql), ...settingsOf(expected, undefined)];
  }
  if (differs(difference, "type", "partitionBy", "partition", "inherits", "ofType"))
    return { byHand: "a table's partitioning, inheritance or type is not changed in place" };
  if (textOf(expected, "replicaIdentity") === "index" && differs(difference, "replicaIdentity"))
    return { byHand: `alter table ${identity} replica identity using the right index` };
  return settingsOf(expected, live);
};

export const reconcileColumn: Reconcile = (difference) => {
  const { state, expected, live } = difference;
  if (expected === undefined)
    return [losing("drop column", `alter table ${live!.on} drop column ${live!.name}`)];
  const alter = `alter table ${expected.on} alter column ${expected.name}`;
  if (state === "missing")
    return [
      step("create column", `alter table ${expected.on} add column ${expected.name} ${columnText(expected)}`),
    ];
  if (differs(difference, "notNullUnproven")) return { byHand: "validate or drop the not-null constraint" };
  if (differs(difference, "generated", "virtual"))
    return { byHand: "drop the column and add it again, with what depends on it" };
  return changeColumn(alter, difference);
};

export const reconcileConstraint: Reconcile = (difference) => {
  const { expected, live, state } = difference;
  if (
    state === "changed" &&
    !differs(difference, "type", "definition") &&
    live!.definition.validated === false
  )
    return [step("create reference", `alter table ${live!.on} validate constraint ${live!.name}`)];
  const steps: ReconcilingStep[] = [];
  if (live !== undefined) {
    const phase = textOf(live, "type") === "foreign key" ? "drop reference" : "drop constraint";
    steps.push(step(phase, `alter table ${live.on} drop constraint ${live.name}`));
  }
  if (expected !== undefined) steps.push(...createConstraint(expected));
  return steps;
};

export function createConstraint({ sql, definition }: CatalogObject): ReconcilingStep[] {
  return [step(definition.type === "foreign key" ? "create reference" : "create constraint", sql!)];
}

export const reconcileIndex: Reconcile = (difference) => {
  const { state, expected, live, identity, within } = difference;
  const replica = (object: CatalogObject, how: string): ReconcilingStep =>
    step("alter table", `alter table ${object.on} replica identity ${how}`);
  if (state === "changed" && !differs(difference, "definition", "valid"))
    return [
      replica(
        expected!,
        expected!.definition.replicaIdentity === true ? `using index ${expected!.name}` : "default",
      ),
    ];
  const steps: ReconcilingStep[] = [];
  if (live !== undefined) steps.push(step("drop index", `drop index concurrently ${identity}`));
  if (expected !== undefined) {
    if (expected.definition.valid === false) return { byHand: "the expected index is itself invalid" };
    steps.push(step("create index", within === undefined ? concurrently(expected.sql!) : expected.sql!));
    if (expected.definition.replicaIdentity === true)
      steps.push(replica(expected, `using index ${expected.name}`));
  }
  return steps;
};

export const reconcileSequence: Reconcile = ({ expected, live, identity }) => {
  if (expected === undefined) return [losing("drop sequence", `drop sequence if exists ${identity}`)];
  const owner = textOf(expected, "ownedBy");
  const owned =
    owner === textOf(live, "ownedBy")
      ? []
      : [step("own sequence", `alter sequence ${identity} owned by ${owner ?? "none"}`)];
  if (live === undefined) return [step("create sequence", expected.sql!), ...owned];
  return [
    step("create sequence", expected.sql!.replace(/^create/, "alter").replace(/(?<! cycle)$/, " no cycle")),
    ...owned,
  ];
};

/** Not for partitioned tables, whose indexes cannot be built so. */
function concurrently(sql: string): string {
  return sql.includes(" ON ONLY ")
    ? sql
    : sql.replace(/^CREATE (UNIQUE )?INDEX /, "CREATE $1INDEX CONCURRENTLY ");
}

function settingsOf(expected: CatalogObject, live: CatalogObject | undefined): ReconcilingStep[] {
  const table = `alter table ${expected.identity}`;
  const changes: string[] = [];
  const isChanged = (name: string): boolean =>
    (expected.definition[name] ?? false) !== (live?.definition[name] ?? false);
  if (live !== undefined && isChanged("unlogged"))
    changes.push(expected.definition.unlogged === true ? "set unlogged" : "set logged");
  const [wanted, found] = [textsOf(expected, "options"), textsOf(live, "options")];
  const gone = found.map(nameOf).filter((name) => !wanted.map(nameOf).includes(name));
  if (gone.length > 0) changes.push(`reset (${gone.join(", ")})`);
  const fresh = wanted.filter((option) => !found.includes(option));
  if (fresh.length > 0) changes.push(`set (${fresh.join(", ")})`);
  if (isChanged("rowSecurity"))
    changes.push(`${expected.definition.rowSecurity === true ? "enable" : "disable"} row level security`);
  if (isChanged("forceRowSecurity"))
    changes.push(`${expected.definition.forceRowSecurity === true ? "" : "no "}force row level security`);
  if (isChanged("replicaIdentity") && textOf(expected, "replicaIdentity") !== "index")
    changes.push(`replica identity ${textOf(expected, "replicaIdentity") ?? "default"}`);
  return changes.map((change) => step("alter table", `${table} ${change}`));
}

function nameOf(option: string): string {
  return option.slice(0, option.indexOf("="));
}

function columnText(column: CatalogObject): string {
  const { definition } = column;
  const parts = [textOf(column, "type")!];
  if (definition.collation !== undefined) parts.push(`collate ${textOf(column, "collation")}`);
  if (definition.default !== undefined) parts.push(`default ${textOf(column, "default")}`);
  if (definition.generated !== undefined)
    parts.push(
      `generated always as (${textOf(column, "generated")}) ${definition.virtual === true ? "virtual" : "stored"}`,
    );
  if (definition.identity !== undefined) parts.push(`generated ${textOf(column, "identity")} as identity`);
  if (definition.notNull === true) parts.push("not null");
  return parts.join(" ");
}

/** Identity goes before not null can be dropped, and comes after it was set. */
function changeColumn(alter: string, difference: Parameters<Reconcile>[0]): ReconcilingStep[] {
  const { expected, live } = difference;
  const [wanted, found] = [textOf(expected, "identity"), textOf(live, "identity")];
  const type = differs(difference, "type", "collation");
  const changes: string[] = [];
  if (found !== undefined && wanted === undefined) changes.push("drop identity");
  if (live?.definition.default !== undefined && (type || differs(difference, "default")))
    changes.push("drop default");
  if (type) {
    const collation = textOf(expected, "collation");
    changes.push(
      `type ${textOf(expected, "type")}${collation === undefined ? "" : ` collate ${collation}`} using ${expected!.name}::${textOf(expected, "type")}`,
    );
  }
  if (differs(difference, "notNull"))
    changes.push(expected!.definition.notNull === true ? "set not null" : "drop not null");
  if (expected!.definition.default !== undefined && (type || differs(difference, "default")))
    changes.push(`set default ${textOf(expected, "default")}`);
  if (wanted !== undefined && wanted !== found)
    changes.push(found === undefined ? `add generated ${wanted} as identity` : `set generated ${wanted}`);
  return changes.map((change) => ({
    ...step("create column", `${alter} ${change}`),
    ...(change.startsWith("type ") ? { losesData: true as const } : {}),
  }));
}
