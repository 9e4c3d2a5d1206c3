/** One message of a stream of server-sent events, or a sign of life: a comment. */
export type StreamPart = { kind: "comment" } | { kind: "message"; id: string; event: string; data: string };

/**
 * Reads the text of a stream of server-sent events in chunks that may be cut anywhere, by
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream. Comments are told as well, which the
 * browser's own reader does not do: they say that the server is there.
 */
export class EventStreamReader {
  #rest = "";
  #id = "";
  #event = "";
  #data: string[] = [];

  push(chunk: string): StreamPart[] {
    const lines = (this.#rest + chunk).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): StreamPart | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return { kind: "comment" };
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id" && !value.includes("\0")) this.#id = value;
    if (field === "event") this.#event = value;
    if (field === "data") this.#data.push(value);
    return undefined;
  }

  #dispatch(): StreamPart | undefined {
    const [event, data] = [this.#event, this.#data];
    this.#event = "";
    this.#data = [];
    if (data.length === 0) return undefined;
    return { kind: "message", id: this.#id, event: event === "" ? "message" : event, data: data.join("\n") };
  }
}
