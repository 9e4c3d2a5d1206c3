import { BEHAVIOUR_KINDS } from "./kinds-behaviour.ts";
import { COLUMN_KINDS } from "./kinds-columns.ts";
import { CONTRACT_KINDS } from "./kinds-contract.ts";
import { TABLE_KINDS } from "./kinds-tables.ts";
import type { DrillKind } from "./run-kind.ts";

/** Every kind of operation that the drill rolls back. */
export const KINDS: readonly DrillKind[] = [
  ...COLUMN_KINDS,
  ...TABLE_KINDS,
  ...CONTRACT_KINDS,
  ...BEHAVIOUR_KINDS,
];
