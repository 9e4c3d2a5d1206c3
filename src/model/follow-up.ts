/** What has to be handed in with an attestation: nothing, a note that says something, or a file. */
export const evidenceDemands = ["none", "note", "attachment"] as const;
export type EvidenceDemand = (typeof evidenceDemands)[number];

/** Something that is to be done after a deploy, until when, and by whom. Requirement H5. */
export interface FollowUp {
  id: number;
  environment: string;
  /** The run that it is about. */
  run?: string;
  text: string;
  owner?: string;
  /** What it comes from, by name: at most one is opened per run and origin. */
  origin: string;
  evidence: EvidenceDemand;
  openedAt: Date;
  dueAt: Date;
  /** When people were told that it is overdue. */
  remindedAt?: Date;
  closed?: { by: string; at: Date; note: string; attachment?: string };
}

export interface NewFollowUp {
  project: string;
  environment: string;
  run?: string;
  text: string;
  owner?: string;
  dueAt: Date;
  origin: string;
  /** None when left out. */
  evidence?: EvidenceDemand;
}

/** One that is opened as its run ends. */
export type RunTask = Pick<NewFollowUp, "text" | "owner" | "dueAt" | "origin" | "evidence">;

/**
 * Who alone may close it, once it is known who somebody is. Of a run's checklist the runbook names the owner; whoever declared
 * an emergency may have somebody else make it good.
 */
export function enforcedOwner({ run, owner }: Pick<FollowUp, "run" | "owner">): string | undefined {
  return run === undefined ? undefined : owner;
}

/** Whether it should have been closed by now. */
export function isOverdue({ closed, dueAt }: FollowUp, now: Date): boolean {
  return closed === undefined && dueAt <= now;
}

/** The name by which people close it. */
export function followUpName({ id }: Pick<FollowUp, "id">): string {
  return `t${id}`;
}

/** Undefined for what is no such name. */
export function idOfFollowUp(name: string): number | undefined {
  const id = /^t(\d{1,15})$/.exec(name)?.[1];
  return id === undefined ? undefined : Number(id);
}
