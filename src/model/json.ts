/** What survives a round trip through JSON: what plans, events and outcomes are made of. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };
