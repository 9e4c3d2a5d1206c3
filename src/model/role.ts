/**
 * What a user may do. A user has any number of them, and none implies another: an admin who is to approve is an
 * approver as well.
 */
export const roles = ["viewer", "operator", "approver", "admin"] as const;
export type Role = (typeof roles)[number];
