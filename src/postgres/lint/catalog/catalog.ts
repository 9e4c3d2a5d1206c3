import type {
  ColumnDef,
  Constraint as ConstraintTree,
  CreateTrigStmt,
  IndexStmt,
  Node,
  RangeVar,
} from "libpg-query";

/**
 * The schema as the migration files tell it, without a database: what is there after each statement. Incomplete by
 * nature (what no file makes is not in it), so a rule must treat what is missing as not known.
 */
export interface Catalog {
  /** By "schema.name", as are all maps of relations. */
  tables: Map<string, Table>;
  indexes: Map<string, Index>;
  views: Map<string, View>;
  enums: Map<string, EnumType>;
  domains: Map<string, Domain>;
  functions: Map<string, FunctionInfo>;
  schemas: Set<string>;
  /** Where names without a schema are looked for. */
  searchPath: string[];
  /** Table names in publications; "*" for all tables. */
  published: Set<string>;
}

export interface Table {
  key: string;
  schema: string;
  name: string;
  /** Number of the file that made it, in the order of the files. */
  madeIn: number;
  /** In the order of the table. */
  columns: Map<string, Column>;
  constraints: Map<string, Constraint>;
  policies: Map<string, Policy>;
  triggers: Map<string, CreateTrigStmt>;
  /** Statements that hang something else on it: statistics, rules, settings of an index or constraint, replica identity, order of CLUSTER. */
  attached: Node[];
  /** Some table inherits from it, other than as a partition. */
  hasChildren: boolean;
  /** It inherits from another table, other than as a partition. */
  isChild?: boolean;
  /** Keys that it had before: what is stored as a tree may still say them. */
  formerKeys: string[];
  hasRowSecurity: boolean;
  isPartitioned: boolean;
  partitionKey?: PartitionKey;
  /** Whether it has a tablespace or access method of its own, which its partitions take over. */
  hasOwnStorage?: boolean;
  partitionOf?: string;
  /** Takes the rows that no other partition of its parent does. */
  isDefaultPartition?: boolean;
  /** False when it was made from something that the files do not show (CREATE TABLE AS, INHERITS, LIKE). */
  isComplete: boolean;
}

export interface PartitionKey {
  strategy: "range" | "list" | "hash";
  /** Column names; undefined where it is an expression. */
  columns: (string | undefined)[];
}

export interface Column {
  name: string;
  type: ColumnType;
  notNull: boolean;
  hasDefault: boolean;
  isGenerated: boolean;
  /** As it was made, and its default as it is now; serial and identity columns have none. */
  definition: ColumnDef;
  default?: Node;
  /** A number from a sequence of its own: serial or identity. */
  isNumbered: boolean;
  comment?: string;
  /** It has settings or privileges of its own: statistics target, storage, compression, GRANT (column). */
  isTuned: boolean;
  /** Names that it had before: what is stored as a tree may still say them. */
  formerNames: string[];
  /** Number of the file that made it. */
  madeIn: number;
}

export interface ColumnType {
  /** "int4", "varchar", "public.order_status": as PostgreSQL's parser names it, without pg_catalog. */
  name: string;
  /** Length, precision and scale. */
  modifiers: number[];
  isArray: boolean;
}

export interface Constraint {
  name: string;
  kind: "check" | "not-null" | "unique" | "primary" | "foreign" | "exclude";
  columns: string[];
  /** False: NOT VALID, rows that were there before were not looked at. */
  isValid: boolean;
  /** Expression of a check. */
  expression?: Node;
  /** Key of the table that a foreign key points to. */
  references?: string;
  /** Index that it stands on. */
  index?: string;
  /** As it was made. */
  tree: ConstraintTree;
  comment?: string;
  madeIn: number;
}

export interface Index {
  key: string;
  name: string;
  table: string;
  /** Column names; undefined where it is an expression. */
  columns: (string | undefined)[];
  isUnique: boolean;
  isPartial: boolean;
  /** Condition of a partial one. */
  where?: Node;
  method: string;
  /** As it was made; undefined for that of a constraint. */
  tree?: IndexStmt;
  comment?: string;
  madeIn: number;
}

export interface Policy {
  name: string;
  /** "all", "select", "insert", "update", "delete". */
  command: string;
  using?: Node;
  withCheck?: Node;
  roles: string[];
}

export interface View {
  key: string;
  isMaterialized: boolean;
  isSecurityInvoker: boolean;
  /** False for a materialized view that nothing was put into yet. */
  isPopulated: boolean;
  query?: Node;
  madeIn: number;
}

export interface EnumType {
  key: string;
  values: string[];
  madeIn: number;
}

export interface Domain {
  key: string;
  hasConstraint: boolean;
}

export interface FunctionInfo {
  key: string;
  isSecurityDefiner: boolean;
  hasSearchPath: boolean;
  /** Of an SQL function whose body is parsed when it is made, and hangs on what it names. */
  body?: Node;
}

/** A database in which nothing was ever made. */
export function emptyCatalog(): Catalog {
  return {
    tables: new Map(),
    indexes: new Map(),
    views: new Map(),
    enums: new Map(),
    domains: new Map(),
    functions: new Map(),
    schemas: new Set(["public"]),
    searchPath: ["public"],
    published: new Set(),
  };
}

/** "schema.name" of a relation: as written, else where the search path finds it, else its first schema. */
export function keyOf(catalog: Catalog, range: RangeVar | undefined): string {
  const name = range?.relname ?? "";
  if (range?.schemaname !== undefined) return `${range.schemaname}.${name}`;
  const keys = catalog.searchPath.map((schema) => `${schema}.${name}`);
  const found = keys.find(
    (key) => catalog.tables.has(key) || catalog.views.has(key) || catalog.indexes.has(key),
  );
  return found ?? keys[0] ?? `public.${name}`;
}

/** "schema.name" of a type or function that is written as a list of names. */
export function typeKeyOf(catalog: Catalog, names: readonly string[]): string {
  const [name = "", schema] = names.toReversed();
  return `${schema ?? catalog.searchPath[0] ?? "public"}.${name}`;
}

/** The indexes of a table. */
export function indexesOf(catalog: Catalog, table: string): Index[] {
  return [...catalog.indexes.values()].filter((index) => index.table === table);
}

/** How people write it: without "public.". */
export function shown(key: string): string {
  return key.startsWith("public.") ? key.slice("public.".length) : key;
}
