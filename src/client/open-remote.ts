import { TminusError } from "../errors.ts";
import { suggest } from "../lib/did-you-mean.ts";
import type { Clock } from "../lib/clock.ts";
import type { Secret } from "../lib/redact.ts";
import type { Actor } from "../model/actor.ts";
import type { Attachment } from "../model/evidence.ts";
import { sameName } from "../model/person-name.ts";
import type { DoctorCheck, Tminus } from "../model/tminus.ts";
import type { Session } from "../server/contract/session.ts";
import { checkedUrl, Connection } from "./connection.ts";
import { notHere } from "./not-here.ts";
import { query } from "./query.ts";
import { remoteEnvironments } from "./remote-environments.ts";
import { remotePeople } from "./remote-people.ts";
import { remotePlans } from "./remote-plans.ts";
import { remoteRuns } from "./remote-runs.ts";

export interface OpenRemoteOptions {
  url: string;
  /** Undefined when somebody is going to sign in with a password. */
  token: Secret | undefined;
  clock: Clock;
  /** Told what people should know about the connection, for display. */
  log(line: string): void;
}

const SIGN_IN = "Set TMINUS_TOKEN, or add --login <name>; tminus token create makes a token.";

/**
 * The facade of a server elsewhere, over its API: the same calls with the same errors, and who acts is who the server knows.
 * What is done beside the runbook, the state or the database is refused with USAGE_INVALID.
 * Errors: USAGE_INVALID for the address, SERVER_SILENT, IDENTITY_REFUSED for a token that is not good.
 */
export async function openRemote({ url, token, clock, log }: OpenRemoteOptions): Promise<Tminus> {
  const connection = new Connection({ url: checkedUrl(url), token, clock, log });
  const { project, environments } = await connection.get<Session>("/session");
  let isSignedIn = false;
  const runs = remoteRuns({ connection, clock, log });
  const refuse = (what: string) => (): never => {
    throw notHere(what);
  };
  return {
    project,
    environments: environments.map(({ name }) => name),
    get stateDirectory(): string {
      throw notHere("what needs the state's folder");
    },
    environment(name) {
      const found = environments.find((one) => one.name === name);
      if (found !== undefined) return { name, protected: found.isProtected };
      const names = environments.map((one) => one.name);
      throw new TminusError(
        "ENVIRONMENT_UNKNOWN",
        `there is no environment "${name}" on ${connection.url.origin}`,
        {
          hint: suggest(name, names, "Known"),
        },
      );
    },
    async identify(claim) {
      if (claim.by === "password") {
        await connection.signIn(claim.name, claim.password);
        isSignedIn = true;
        return actorOf(await connection.get<Session>("/session"), undefined);
      }
      if (claim.by === "oidc" || (claim.by === "token" && claim.token.reveal() !== token?.reveal()))
        throw new TminusError("IDENTITY_REFUSED", "somebody else's identity is for the server to check");
      const actor = actorOf(await connection.get<Session>("/session"), token);
      if (claim.by === "token" && claim.name !== undefined && !sameName(claim.name, actor.name))
        throw new TminusError("IDENTITY_REFUSED", `the token is that of ${actor.name}, not of ${claim.name}`);
      return actor;
    },
    people: remotePeople(connection),
    ...remotePlans(connection),
    ...runs,
    ...remoteEnvironments(connection, runs),
    async evidence(sha256) {
      try {
        const { headers, bytes } = await connection.getBytes(`/evidence/${encodeURIComponent(sha256)}`);
        const isText = headers.get("content-type")?.startsWith("text/plain") === true;
        const mediaType = headers.get("tminus-media-type") ?? "application/octet-stream";
        return { mediaType, content: isText ? new TextDecoder().decode(bytes) : bytes };
      } catch (error) {
        if (error instanceof TminusError && error.code === "RESOURCE_UNKNOWN") return undefined;
        throw error;
      }
    },
    handIn: ({ name, content }) => connection.upload<Attachment>(`/evidence${query({ name })}`, content),
    async doctor(signal) {
      return (await connection.get<{ checks: DoctorCheck[] }>("/checks", signal)).checks;
    },
    async close() {
      if (isSignedIn) await connection.send("DELETE", "/session");
    },
    mergeBack: refuse("proposing a branch"),
    permit: refuse("changing a database"),
    checkFreeze: refuse("changing a database"),
    audit: refuse("verifying and exporting the history"),
    anchors: refuse("verifying the history"),
    sign: refuse("signing"),
    signingKey: refuse("signing"),
    tallyRuns: refuse("serving"),
    endedDeploys: refuse("serving"),
    followAll: refuse("serving"),
    refusals: refuse("serving"),
    webSessions: { begin: refuse("serving"), find: refuse("serving"), end: refuse("serving") },
    requests: { begin: refuse("serving"), answer: refuse("serving"), forget: refuse("serving") },
  };
}

/** Errors: IDENTITY_REFUSED for nobody. */
function actorOf({ who }: Session, token: Secret | undefined): Actor {
  if (who === null)
    throw new TminusError("IDENTITY_REFUSED", "the server takes nobody's word for who they are", {
      hint: SIGN_IN,
    });
  const { name, kind, roles } = who;
  // The id is the part of a token that is no secret.
  const id = token?.reveal().split("_")[1] ?? "";
  return {
    name,
    kind,
    roles,
    emails: [],
    checked: token === undefined ? { by: "password" } : { by: "token", token: id },
  };
}
