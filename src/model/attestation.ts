import type { PlannedStep } from "./plan.ts";

/** What a person can attest at a step. */
export interface AttestableItem {
  id: string;
  /** Whose word counts; anybody's when left out. */
  by?: string;
  /** A step whose outcome may have to be accepted: with a note, and only while it is asked for. */
  isEvidence: boolean;
}

/** The items of a checklist, the statements and the evidence of a sign-off; none for every other kind of step. */
export function itemsToAttest({ kind, with: settings }: PlannedStep): AttestableItem[] {
  if (kind === "checklist") return listIn(settings.items).flatMap((item) => itemOf(item) ?? []);
  if (kind !== "sign-off") return [];
  const evidence = listIn(settings.evidence).filter((id) => typeof id === "string");
  return [
    ...listIn(settings.attest).flatMap((item) => itemOf(item) ?? []),
    ...evidence.map((id) => ({ id, isEvidence: true })),
  ];
}

function itemOf(item: unknown): AttestableItem | undefined {
  if (typeof item !== "object" || item === null || !("id" in item) || typeof item.id !== "string")
    return undefined;
  const by = "by" in item && typeof item.by === "string" ? { by: item.by } : {};
  return { id: item.id, ...by, isEvidence: false };
}

function listIn(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
