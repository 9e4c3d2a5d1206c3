import type { Oidc } from "../../../src/server/oidc.ts";
import { bareApp } from "./bare-app.ts";
import { bodiesOf, parametersOf, type Operation as Described, type ServerDocument } from "./openapi.ts";
import { rawRequest } from "./raw-request.ts";

const READS = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** What somebody may ask of the server: an operation of its document with one of the bodies that it takes. */
export interface Case {
  /** "POST /api/runs/{id}/signals kind=hold" */
  name: string;
  method: string;
  /** As in the document: /api/runs/{id}. */
  template: string;
  /** Undefined when it takes none. */
  body: DescribedBody | undefined;
  operation: Described;
}

export interface DescribedBody {
  mediaType: string;
  schema: object;
}

/** The document of a server that runs. */
export async function documentOf(url: string): Promise<ServerDocument> {
  const { status, text } = await rawRequest(url, { path: "/api/openapi.json" });
  if (status !== 200) throw new Error(`the server's document: ${status} ${text.slice(0, 200)}`);
  return JSON.parse(text) as ServerDocument;
}

/** Each operation once for every body that it takes. */
export function casesOf(document: ServerDocument): Case[] {
  return Object.entries(document.paths).flatMap(([template, path]) =>
    Object.entries(path).flatMap(([verb, operation]): Case[] => {
      const method = verb.toUpperCase();
      const bodies = bodiesOf(document, operation);
      if (bodies.length === 0)
        return [{ name: `${method} ${template}`, method, template, body: undefined, operation }];
      return bodies.map(({ label, ...body }) => ({
        name: [`${method} ${template}`, label].filter(Boolean).join(" "),
        method,
        template,
        body,
        operation,
      }));
    }),
  );
}

export function changes({ method }: { method: string }): boolean {
  return !READS.has(method);
}

/** Routes that the server has and its document leaves out, as "GET /metrics"; with those of an identity provider. */
export function undocumented(document: ServerDocument): string[] {
  const known = new Set(
    Object.entries(document.paths).flatMap(([path, verbs]) =>
      Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`),
    ),
  );
  const oidc: Oidc = {
    issuer: "http://127.0.0.1",
    begin: () => Promise.reject(new Error("is not called")),
    finish: () => Promise.reject(new Error("is not called")),
  };
  const all = bareApp(oidc)
    .routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(\{.*?\})?/g, "{$1}")}`);
  return [...new Set(all)].filter((route) => !known.has(route)).toSorted();
}

/** With its parameters filled in: those of the path by `value`, and of the others those that must be there. */
export async function pathOf(
  { template, operation }: Pick<Case, "template" | "operation">,
  value: (name: string) => Promise<string>,
): Promise<string> {
  let path = template;
  for (const [, name] of template.matchAll(/\{(\w+)\}/g))
    path = path.replace(`{${name}}`, encodeURIComponent(await value(name!)));
  const query = new URLSearchParams();
  for (const { name, required } of parametersOf(operation, "query"))
    if (required) query.set(name, await value(name));
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}
