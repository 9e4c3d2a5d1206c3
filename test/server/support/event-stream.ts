import { eventually } from "../../support/processes.ts";
import type { EventResource } from "../../../src/server/contract/run.ts";
import type { ApiClient } from "./api-client.ts";

/** What came of /api/events so far. */
export interface EventStream {
  ids(): number[];
  events(): EventResource[];
  /** The connection is gone. */
  isOver(): boolean;
  end(): void;
}

/** Follows the server's events, after the one with `lastId`. */
export async function followEvents(client: ApiClient, lastId?: number): Promise<EventStream> {
  const stop = new AbortController();
  const resumed = lastId === undefined ? {} : { "last-event-id": String(lastId) };
  const answer = await fetch(`${client.url}/api/events`, {
    headers: { ...client.authorization(), ...resumed },
    signal: stop.signal,
  });
  let text = "";
  let isOver = false;
  const reading = (async () => {
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) text += chunk;
  })();
  // However it ends, what came before has come.
  reading.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  await eventually("it follows", () => text.includes(": follows"));
  return {
    ids: () => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)),
    events: () => [...text.matchAll(/^data: (.*)$/gm)].map(([, line]) => JSON.parse(line!) as EventResource),
    isOver: () => isOver,
    end: () => stop.abort(),
  };
}
