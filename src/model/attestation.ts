import { parseOffset } from "../lib/duration.ts";
import { evidenceDemands, type EvidenceDemand } from "./follow-up.ts";
import type { PlannedStep } from "./plan.ts";

/** What a person can attest at a step. */
export interface AttestableItem {
  id: string;
  text: string;
  /** Whose word counts; anybody's when left out. */
  by?: string;
  /** Whose word counts once it is known who somebody is: as soon as there are users. */
  owner?: string;
  /** What has to be handed in with it. */
  demand: EvidenceDemand;
  /** When it is due, in ms from T-0. */
  dueMs?: number;
  /** Whether the step waits for it. */
  isRequired: boolean;
  /** A step whose outcome may have to be accepted: with a note, and only while it is asked for. */
  isEvidence: boolean;
}

/** One that should have been attested by now. */
export interface OverdueItem {
  run: string;
  step: string;
  item: string;
  owner?: string;
  dueAt: Date;
}

/** The items of a checklist, the statements and the evidence of a sign-off; none for every other kind of step. */
export function itemsToAttest({ kind, with: settings }: PlannedStep): AttestableItem[] {
  if (kind === "checklist") return listIn(settings.items).flatMap((item) => itemOf(item) ?? []);
  if (kind !== "sign-off") return [];
  const evidence = listIn(settings.evidence).filter((id) => typeof id === "string");
  return [
    ...listIn(settings.attest).flatMap((item) => itemOf(item) ?? []),
    ...evidence.map((id) => ({ id, text: id, demand: "note", isRequired: true, isEvidence: true }) as const),
  ];
}

/**
 * Whether a run waits for an item of a checklist. What is due after T-0 it waits for only when it is told to: otherwise a
 * run would stand for a week.
 */
export function isRequired(required: unknown, dueMs: number | undefined): boolean {
  return typeof required === "boolean" ? required : dueMs === undefined || dueMs <= 0;
}

function itemOf(item: unknown): AttestableItem | undefined {
  if (typeof item !== "object" || item === null) return undefined;
  const { id, text, by, owner, evidence, due, required }: Record<string, unknown> = { ...item };
  if (typeof id !== "string") return undefined;
  const dueMs = typeof due === "string" ? parseOffset(due) : undefined;
  return {
    id,
    text: typeof text === "string" ? text : id,
    ...(typeof by === "string" ? { by } : {}),
    ...(typeof owner === "string" ? { owner } : {}),
    demand: evidenceDemands.find((demand) => demand === evidence) ?? "none",
    ...(dueMs === undefined ? {} : { dueMs }),
    isRequired: isRequired(required, dueMs),
    isEvidence: false,
  };
}

function listIn(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
