import { InvalidArgumentError, Option, type Command } from "commander";
import type { ServerOptions } from "./commands/server.ts";
import { example, type Run } from "./declare.ts";

const PORT = 7474;
/** Requirement D5's runbooks. */
const REQUESTS = 100;

/** `tminus server`. */
export function addServer(program: Command, run: Run, version: string): void {
  const server = program
    .command("server")
    .description("serve the console and the API in the browser, and execute runs, until it is told to end")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <number>", "port to listen on; 0 for any that is free", portOf, PORT)
    .addOption(
      new Option("--role <role>", "serve, execute runs, or both")
        .choices(["web", "worker", "all"])
        .default("all"),
    )
    .option(
      "--health-port <number>",
      "of --role worker: where a supervisor asks /healthz and /readyz; 0 for any port",
      portOf,
    )
    .option(
      "--public-url <url>",
      "where people reach it, through a proxy that encrypts: https://deploys.example.com",
    )
    .option(
      "--oidc-issuer <url>",
      "identity provider by which people sign in; its secret is in TMINUS_OIDC_CLIENT_SECRET",
    )
    .option("--oidc-client <id>", "what the server is called there")
    .option("--requests-per-minute <number>", "how many one address may send", countOf100k, REQUESTS)
    .option("--no-console", "the API alone")
    // For the demo, which starts it again.
    .addOption(
      new Option("--killable", "let the console end the process at once, as kill -9 does").hideHelp(),
    );
  example(
    server,
    "tminus server",
    "tminus server --port 0 --role web",
    "tminus server --role worker --health-port 7475",
    "tminus server --public-url https://deploys.example.com",
  );
  server.action((options: ServerOptions) =>
    run(async (context) => (await import("./commands/server.ts")).server(context, version, options)),
  );
}

function countOf100k(text: string): number {
  const count = Number(text);
  if (/^\d{1,6}$/.test(text) && count >= 1 && count <= 100_000) return count;
  throw new InvalidArgumentError("Give a number from 1 to 100000.");
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("Give a number from 0 to 65535.");
}
