/** The way from one release to another, for people. */
export function releaseChange(plan: { release: string; previousRelease?: string | undefined }): string {
  return plan.previousRelease === undefined
    ? `first release ${plan.release}`
    : `${plan.previousRelease} → ${plan.release}`;
}

/** The first digits of a hash, as people quote it. */
export function shortHash(hash: string): string {
  return hash.slice(0, 8);
}
