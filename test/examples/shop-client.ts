import { request as httpRequest, type Agent } from "node:http";
import pg from "pg";

interface Answer {
  status: number;
  headers: Headers;
  /** Parsed when it is JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
}

/** An answer on a connection of which the test takes care. */
interface RawAnswer {
  status: number;
  body: string;
  /** The header Connection. */
  connection: string | undefined;
}

export interface ShopClient {
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Places an order: one piece of product 1 unless told. */
  order(token: string, items?: unknown): Promise<Answer>;
  /** The token of a new account. */
  signUp(): Promise<string>;
  /** Sends over a connection of `agent`; rejects when no whole answer comes. */
  send(agent: Agent, method: string, path: string, options?: SendOptions): Promise<RawAnswer>;
}

interface SendOptions {
  headers?: Record<string, string>;
  body?: string;
}

/** Requests to the server that `server()` names at the time of each. */
export function shopClient(server: () => { url: string }): ShopClient {
  const call = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(`${server().url}${path}`, init);
    return { status: response.status, headers: response.headers, body: parsed(await response.text()) };
  };
  const post: ShopClient["post"] = (path, body, headers = {}) =>
    call(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  return {
    get: (path, headers = {}) => call(path, { headers }),
    post,
    order: (token, items = [{ productId: 1, quantity: 1 }]) =>
      post("/api/orders", { items }, { authorization: `Bearer ${token}` }),
    signUp: async () =>
      (await post("/api/signup", { email: newEmail(), password: "long enough" })).body.token as string,
    send: (agent, method, path, options = {}) => send(agent, method, `${server().url}${path}`, options),
  };
}

let emails = 0;

export function newEmail(): string {
  return `buyer-${emails++}@example.com`;
}

/** Rows of one statement, or of none when there are several; those are possible without values only. */
// oxlint-disable-next-line typescript/no-explicit-any
export async function sql(url: string | undefined, text: string, values?: unknown[]): Promise<any[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

function send(
  agent: Agent,
  method: string,
  url: string,
  { headers = {}, body }: SendOptions,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { agent, method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.once("error", reject);
      response.once("end", () =>
        resolve({ status: response.statusCode!, body: text, connection: response.headers.connection }),
      );
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

function parsed(text: string): unknown {
  return text.startsWith("{") ? JSON.parse(text) : text;
}
