import { randomUUID } from "node:crypto";
import { Secret } from "../../../src/lib/redact.ts";
import type { Actor } from "../../../src/model/actor.ts";
import { uncheckedActor } from "../../../src/model/actor.ts";
import type { Tminus } from "../../../src/model/tminus.ts";
import { effectStep, RELEASE_STEPS, stage } from "../../support/effect-steps.ts";
import { ReleaseProject } from "../../support/release-project.ts";
import { existingThings, type ExistingThings } from "./existing-things.ts";
import type { ServerDocument } from "./openapi.ts";
import { exampleOf } from "./openapi.ts";
import { documentOf, pathOf, type Case } from "./operations.ts";
import { rawRequest, type RawAnswer } from "./raw-request.ts";
import { startServer, type RunningServer } from "./running-server.ts";

export const PASSWORD = "correct horse battery";

/** What a request to the API is made of, before a test spoils something of it. */
export interface ValidRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

/** A server of a protected project without a worker, its document, people of every role, and requests that it understands. */
export class GuardedServer {
  readonly project: ReleaseProject;
  readonly server: RunningServer;
  readonly document: ServerDocument;
  readonly tminus: Tminus;
  /** The first user, with a password and every role. */
  readonly ann: Actor;
  /** Tokens by the name of who has them: of somebody with each role alone, "ann", and "agent", which has all of ann's roles. */
  readonly tokens: ReadonlyMap<string, string>;
  readonly #things: ExistingThings;

  private constructor(
    parts: Pick<GuardedServer, "project" | "server" | "document" | "tminus" | "ann" | "tokens">,
  ) {
    this.project = parts.project;
    this.server = parts.server;
    this.document = parts.document;
    this.tminus = parts.tminus;
    this.ann = parts.ann;
    this.tokens = parts.tokens;
    this.#things = existingThings(parts);
  }

  static async start(
    args: readonly string[] = [],
    environment: Record<string, string> = {},
  ): Promise<GuardedServer> {
    const sure = "      - { id: sure, kind: approve, with: { not: [starter], authors: unknown-allowed } }\n";
    const project = await ReleaseProject.create({
      protected: true,
      gates: "  - { id: tests, kind: command, with: { run: [node, --version] } }\n",
      emergency: "{ keep: [] }",
      stages: stage("go", sure + RELEASE_STEPS + effectStep("a", "a-@run")),
    });
    const tminus = await project.open();
    const roles = ["operator", "approver", "admin"] as const;
    await tminus.people.addUser(
      { name: "ann", emails: ["ann@example.com"], roles: [...roles] },
      { password: new Secret(PASSWORD, "test") },
      uncheckedActor("ann"),
    );
    const ann = await tminus.identify({
      by: "password",
      name: "ann",
      password: new Secret(PASSWORD, "test"),
    });
    const tokens = new Map<string, string>();
    for (const role of ["viewer", "operator", "approver", "admin"] as const) {
      const user = { name: `${role}-1`, emails: [`${role}@example.com`], roles: [role] };
      const { token } = await tminus.people.addUser(user, { token: true }, ann);
      tokens.set(role, token!.secret.reveal());
    }
    for (const [name, kind] of [
      ["ann", "human"],
      ["agent", "agent"],
    ] as const) {
      const token = { name, owner: "ann", kind, roles: [...roles], validMs: 3_600_000 };
      tokens.set(name, (await tminus.people.createToken(token, ann)).secret.reveal());
    }
    const server = await startServer(project, ["--role", "web", ...args], environment);
    const document = await documentOf(server.url);
    return new GuardedServer({ project, server, document, tminus, ann, tokens });
  }

  get url(): string {
    return this.server.url;
  }

  /** The headers of somebody's token. */
  as(name: string): Record<string, string> {
    return { authorization: `Bearer ${this.tokens.get(name)!}` };
  }

  /** The headers of a browser in which ann has a session of its own, on the server's own page. */
  async browser(): Promise<Record<string, string>> {
    const { secret } = await this.tminus.webSessions.begin(this.ann);
    return { cookie: `__Host-tminus=${secret.reveal()}`, origin: this.url, "sec-fetch-site": "same-origin" };
  }

  /** A request with everything that the document asks for, on things that exist, made anew for it. Nobody sends it yet. */
  async requestFor(one: Case): Promise<ValidRequest> {
    const path = await pathOf(one, (name) => this.#things.inPath(one.template, name));
    const headers = { "idempotency-key": randomUUID() };
    if (one.body === undefined) return { method: one.method, path, headers };
    const { mediaType, schema } = one.body;
    const value = await exampleOf(this.document, schema, (name) => this.#things.inBody(name));
    return {
      method: one.method,
      path,
      headers: { ...headers, "content-type": mediaType },
      body: typeof value === "string" ? value : JSON.stringify(value),
    };
  }

  /** Sends it with more headers; one given as "" is left out. */
  async send(request: ValidRequest, headers: Record<string, string> = {}): Promise<RawAnswer> {
    const all = Object.entries({ ...request.headers, ...headers }).filter(([, value]) => value !== "");
    return rawRequest(this.url, { ...request, headers: Object.fromEntries(all) });
  }

  async close(): Promise<void> {
    await this.tminus.close();
    await this.server.stop();
    await this.project.close();
  }
}
