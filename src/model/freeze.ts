/** A freeze that a person declared while tminus runs; those of the runbook stand in it. Requirement B8. */
export interface DeclaredFreeze {
  id: number;
  /** Undefined: every environment of the project. */
  environment?: string;
  reason: string;
  by: string;
  at: Date;
  from: Date;
  until: Date;
  lifted?: { by: string; at: Date; reason: string };
}

export type NewFreeze = Pick<DeclaredFreeze, "environment" | "reason" | "from" | "until">;

/** A freeze as a person asks for it: times as "4h" from now, "2026-12-24 18:00 Europe/Berlin" or ISO 8601 with an offset. */
export interface FreezeRequest {
  environment?: string;
  reason: string;
  /** Now when left out. */
  from?: string;
  until: string;
}

/** The name by which a declared freeze is lifted. */
export function freezeName({ id }: Pick<DeclaredFreeze, "id">): string {
  return `f${id}`;
}

/** A declared freeze ends by itself after this long at the latest; who needs a longer one writes it into the runbook. */
export const MAX_FREEZE_DAYS = 30;
