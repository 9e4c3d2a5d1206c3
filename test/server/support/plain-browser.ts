export interface Page {
  url: string;
  status: number;
  body: string;
}

/** Follows redirects, keeps the cookies of each host, and sends a page's first form: as much of a browser as signing in needs. */
export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();

  /** The header for that server. */
  cookieOf(url: string): string {
    const kept = this.#cookies.get(new URL(url).host) ?? new Map<string, string>();
    return [...kept].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  async open(url: string, { follow }: { follow: boolean } = { follow: true }): Promise<Page> {
    return this.#load(url, {}, follow);
  }

  /** With these fields in place of its own. */
  async submit({ url, body }: Page, fields: Record<string, string>): Promise<Page> {
    const action = /<form[^>]*action="([^"]+)"/.exec(body)?.[1] ?? url;
    const own = [...body.matchAll(/<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"/g)];
    const form = new URLSearchParams({
      ...Object.fromEntries(own.map(([, name, value]) => [name!, value!])),
      ...fields,
    });
    return this.#load(new URL(action, url).href, { method: "POST", body: form }, true);
  }

  async #load(url: string, request: RequestInit, follow: boolean): Promise<Page> {
    const answer = await fetch(url, {
      ...request,
      headers: { cookie: this.cookieOf(url) },
      redirect: "manual",
    });
    const { host } = new URL(url);
    const kept = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, kept);
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      if (/max-age=0|expires=Thu, 01 Jan 1970/i.test(cookie)) kept.delete(name!);
      else kept.set(name!, value!);
    }
    const location = answer.headers.get("location");
    if (follow && location !== null) return this.#load(new URL(location, url).href, {}, true);
    return { url, status: answer.status, body: await answer.text() };
  }
}
