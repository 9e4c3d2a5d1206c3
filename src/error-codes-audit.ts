import type { ErrorCodeRow } from "./error-codes.ts";

/** The part of the table that is about the history of runs and who may write it. */
export const auditErrorCodes = {
  STATE_DENIED: {
    exit: 2,
    retryable: false,
    title: "The role may not do this in the state database",
    why: "The state is kept by another role, its owner, and this one was not granted what this version of tminus needs; or something tried to change what is only ever added to.",
    next: "Let the owner bring the state up to date (any tminus command with its connection string), then: select tminus.grant_application('<role>').",
  },
  AUDIT_BROKEN: {
    exit: 1,
    retryable: false,
    title: "The history was changed",
    why: "Something that was written down is not as it was written: edited, missing, out of order or cut off. tminus itself never does that, and its role cannot.",
    next: "Run tminus audit verify: it names each run and event. Keep the state as it is and find out who had the owner's rights.",
  },
  AUDIT_UNREADABLE: {
    exit: 2,
    retryable: false,
    title: "The file is not what it should be",
    why: "It could not be read, or is not an export, a bundle or a key that tminus can verify.",
    next: "Give a file that tminus audit export, bundle or key wrote.",
  },
  ANCHOR_UNKNOWN: {
    exit: 1,
    retryable: true,
    title: "The history could not be compared with what was written down outside",
    why: "The file or the tags with the anchors could not be read, or there are none yet although the runbook names a place for them.",
    next: "See that the place in the message can be read here; anchors are written at the next verdict and end of a run.",
  },
  SIGNING_KEY_MISSING: {
    exit: 2,
    retryable: false,
    title: "There is no key to sign with",
    why: "TMINUS_SIGNING_KEY is not set and the state folder has no key, or what is there is not an ed25519 private key.",
    next: "Run tminus audit key to make one, or set TMINUS_SIGNING_KEY to a reference of one: env:NAME or file:path#NAME.",
  },
} as const satisfies Record<string, ErrorCodeRow>;
