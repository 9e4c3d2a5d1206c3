import * as z from "zod";
import type { NotificationChannel } from "../../model/ports.ts";

/** Settings of a channel of the kind console: none beside its id and kind. */
export const consoleChannelSchema = z.strictObject({});

export interface ConsoleChannelOptions {
  id: string;
  /** Gets one line without a line break. Must not throw. */
  write: (line: string) => void;
}

/** Writes each message as one line. Control characters become blanks, so that no message can steer a terminal. */
export function createConsoleChannel({ id, write }: ConsoleChannelOptions): NotificationChannel {
  return {
    id,
    kind: "console",
    async send({ title, text }) {
      write(printable(`[${id}] ${title}: ${text}`));
    },
  };
}

/** Also without the characters that reorder text (Unicode's bidirectional controls). */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, " ").trimEnd();
}
