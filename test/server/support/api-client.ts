import { randomUUID } from "node:crypto";

// oxlint-disable-next-line typescript/no-explicit-any -- the caller knows what the API answers
type Anything = any;

export interface Answer<Body = Anything> {
  status: number;
  headers: Headers;
  body: Body;
}

/** Somebody who talks to the server: a browser, with its cookies and the headers that browsers set, or a program with a token. */
export class ApiClient {
  readonly url: string;
  readonly #token: string | undefined;
  #cookie = "";

  constructor(url: string, token?: string) {
    this.url = url;
    this.#token = token;
  }

  get cookie(): string {
    return this.#cookie;
  }

  authorization(): Record<string, string> {
    return this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
  }

  async get<Body = Anything>(path: string, headers: Record<string, string> = {}): Promise<Answer<Body>> {
    return this.send("GET", path, undefined, headers);
  }

  async post<Body = Anything>(
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    return this.send("POST", path, body, { "idempotency-key": randomUUID(), ...headers });
  }

  /** A header given as "" is left out. */
  async send(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const own: Record<string, string> =
      this.#token === undefined
        ? { origin: this.url, "sec-fetch-site": "same-origin" }
        : { authorization: `Bearer ${this.#token}` };
    const all = {
      ...own,
      ...(this.#cookie === "" ? {} : { cookie: this.#cookie }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    };
    const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: kept,
      redirect: "manual",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    for (const cookie of answer.headers.getSetCookie()) this.#cookie = cookie.split(";")[0]!;
    const text = await answer.text();
    const isJson = answer.headers.get("content-type")?.startsWith("application/json") === true;
    return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
  }
}
