import { EventStreamReader, type StreamPart } from "../../src/lib/event-stream.ts";

/** What a stream of events says, as it comes, until it ends. Rejects when it is cut. */
export async function* eventParts(response: Response): AsyncGenerator<StreamPart> {
  const reader = new EventStreamReader();
  const chunks = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await chunks.read();
    if (done) return;
    yield* reader.push(value);
  }
}
