import type { ErrorCodeRow } from "./error-codes.ts";

/** The part of the table of error codes that only the server gives. */
export const serverErrorCodes = {
  RATE_LIMITED: {
    exit: 2,
    retryable: true,
    title: "Too many requests",
    why: "One address may send 100 requests a minute, and five attempts to sign in within 15 minutes.",
    next: "Wait as many seconds as the answer's Retry-After says, and send it again.",
  },
  ORIGIN_REFUSED: {
    exit: 2,
    retryable: false,
    title: "The request came from another site",
    why: "A browser sent it for a page that this server did not serve, or under a name that is not the server's. Nothing was done.",
    next: "Open the console under the address that tminus server printed, or start it with --public-url for the name that people use.",
  },
  RESOURCE_UNKNOWN: {
    exit: 2,
    retryable: false,
    title: "There is nothing under this address",
    why: "The path is not one of the API's, or what it names does not exist.",
    next: "Look at /api/openapi.json for what there is.",
  },
  REQUEST_REPEATED: {
    exit: 2,
    retryable: false,
    title: "The idempotency key belongs to another request",
    why: "The same key was used within a day for a request with another path or body. Nothing was done.",
    next: "Send the request with a key of its own.",
  },
  REQUEST_OPEN: {
    exit: 2,
    retryable: true,
    title: "The first request with this key is not answered",
    why: "It is under way, or the server ended while it was: whether it took effect is not known.",
    next: "Look at what it was to change, and send it with another key when it did not happen.",
  },
  SERVER_SILENT: {
    exit: 1,
    retryable: true,
    title: "The server does not answer",
    why: "TMINUS_URL names a server that could not be reached within ten seconds, or something else answered there. Runs go on without being looked at; whether a change took effect is not known when the message does not say so.",
    next: "Look whether the server runs and TMINUS_URL is right, then look with tminus status.",
  },
  CONSOLE_MISSING: {
    exit: 2,
    retryable: false,
    title: "The console is not built",
    why: "The folder with the console's files is not there; a published tminus has it.",
    next: "Build it with npm run web, or use the API alone with --no-console.",
  },
} as const satisfies Record<string, ErrorCodeRow>;
