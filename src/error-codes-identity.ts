import type { ErrorCodeRow } from "./error-codes.ts";

/** The part of the table of error codes that is about users, passwords and tokens. */
export const identityErrorCodes = {
  IDENTITY_REFUSED: {
    exit: 2,
    retryable: false,
    title: "It could not be proven who acts",
    why: "The token or the password is wrong, revoked or expired, or the user is unknown or disabled. Which of these it is is not told.",
    next: "Sign in again, or make a new token with tminus token create. Without TMINUS_TOKEN and --login you act under a name that nobody has checked, which is enough to stop a run or to roll it back.",
  },
  LOGIN_LOCKED: {
    exit: 2,
    retryable: true,
    title: "Too many failed attempts to sign in",
    why: "Five attempts within 15 minutes did not succeed, so the name is locked for 15 minutes, whether somebody has it or not. Tokens work all the same.",
    next: "Wait until the time in the message, use a token, or let an admin set a new password with tminus user password.",
  },
  PERMISSION_REFUSED: {
    exit: 2,
    retryable: false,
    title: "This user may not do that",
    why: "Users, roles and tokens are changed by an admin whose identity was checked; one's own password and tokens by oneself.",
    next: "Sign in as an admin, with TMINUS_TOKEN or --login, or ask one.",
  },
  USER_INVALID: {
    exit: 2,
    retryable: false,
    title: "Users or tokens cannot be changed like this",
    why: "The user or token does not exist, or exists already; an e-mail belongs to somebody else; a token would have more roles than its owner; or no admin would be left. Nothing was changed.",
    next: "Look with tminus user list and tminus token list, and change what the message says.",
  },
} as const satisfies Record<string, ErrorCodeRow>;
