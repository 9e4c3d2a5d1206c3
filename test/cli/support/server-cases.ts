import { fakeTminus } from "./fake-tminus.ts";
import { samplePlan } from "./sample-run.ts";
import type { Case } from "./cases.ts";

const tminus = () => fakeTminus(samplePlan());

/** How a server that serves is in test/server. */
export const serverCases: Case[] = [
  {
    name: "server for others without encryption",
    argv: ["server", "--host", "0.0.0.0"],
    tminus,
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "server behind a proxy that does not encrypt",
    argv: ["server", "--public-url", "http://deploys.example.com"],
    tminus,
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "server with an identity provider that is not encrypted",
    argv: ["server", "--oidc-issuer", "http://login.example.com", "--oidc-client", "tminus"],
    tminus,
    exit: 2,
    error: "USAGE_INVALID",
  },
  { name: "server on no port", argv: ["server", "--port", "http"], tminus, exit: 2, error: "USAGE_INVALID" },
  {
    name: "server on an address that is not this machine's",
    argv: ["server", "--host", "192.0.2.1", "--public-url", "https://deploys.example.com", "--no-console"],
    tminus,
    exit: 2,
    error: "USAGE_INVALID",
  },
];
