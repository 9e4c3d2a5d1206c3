import type { Difference } from "../compare.ts";
import type { CatalogObject } from "../fingerprint.ts";

/** The order in which statements can run: first what takes away, then what creates. */
export const phases = [
  "drop policy",
  "drop trigger",
  "drop view",
  "drop reference",
  "drop index",
  "drop constraint",
  "drop column",
  "drop table",
  "drop sequence",
  "drop function",
  "drop type",
  "drop extension",
  "drop schema",
  "create schema",
  "create extension",
  "create type",
  "create sequence",
  "create table",
  "create function",
  "create column",
  "own sequence",
  "create constraint",
  "create index",
  "create reference",
  "create view",
  "create atomic function",
  "create trigger",
  "create policy",
  "alter table",
  "grant",
] as const;

export type Phase = (typeof phases)[number];

export interface ReconcilingStep {
  phase: Phase;
  /** Without a semicolon. */
  sql: string;
  /** Rows or values are gone afterwards. */
  losesData?: true;
}

/** The statements that bring a live object to what is expected, or why a person has to. */
export type Reconciliation = ReconcilingStep[] | { byHand: string };

/** Makes an expected object anew, with what hangs on it: triggers, indexes, grants. */
export type Recreate = (object: CatalogObject) => ReconcilingStep[];

export type Reconcile = (difference: Difference, recreate: Recreate) => Reconciliation;

export function step(phase: Phase, sql: string): ReconcilingStep {
  return { phase, sql };
}

export function losing(phase: Phase, sql: string): ReconcilingStep {
  return { phase, sql, losesData: true };
}

/** Whether one of these properties differs. */
export function differs({ properties }: Difference, ...names: string[]): boolean {
  return properties.some(({ name }) => names.includes(name));
}

/** A property that is a text; undefined when it is not there. */
export function textOf(object: CatalogObject | undefined, name: string): string | undefined {
  const value = object?.definition[name];
  return typeof value === "string" ? value : undefined;
}

export function textsOf(object: CatalogObject | undefined, name: string): string[] {
  const value = object?.definition[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
