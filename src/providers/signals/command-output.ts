import * as z from "zod";
import { lastLines } from "../../lib/output-tail.ts";
import type { SeriesAnswer } from "../../model/signal-source.ts";

const number = z.number().nullable();
const FORMS = {
  counts: z.object({ bad: number, total: number }),
  events: z.object({ events: number }),
  value: z.object({ value: number, max: number.optional() }),
} as const;

export type Form = keyof typeof FORMS;

const EXPECTED: Readonly<Record<Form, string>> = {
  counts: '{"bad": 3, "total": 120}',
  events: '{"events": 3}',
  value: '{"value": 12, "max": 100}',
};

export interface OutputOptions {
  /** Whose output it is. */
  what: string;
  atMs: number;
  redact: (text: string) => string;
}

/** What a command measured, of all that it printed or of its last line. null in place of a number: there is none. */
export function readMeasured(
  output: string,
  form: Form,
  { what, atMs, redact }: OutputOptions,
): SeriesAnswer {
  const [last = ""] = lastLines(output, 1);
  const document = parsed(output) ?? parsed(last);
  const shown = redact(last).slice(0, 100);
  const wrong = (reason: string): SeriesAnswer => ({
    state: "error",
    reason: `${what} printed ${reason}${shown === "" ? "" : `: ${shown}`}`,
    isLasting: false,
  });
  if (output.trim() === "") return wrong("nothing");
  const nothing: SeriesAnswer = { state: "no-data", reason: `${what} has no number`, raw: shown };
  if (document?.value === null) return nothing;
  if (form === "value") {
    const { data } = FORMS.value.safeParse(document?.value);
    if (data === undefined) return wrong(`something else than ${EXPECTED.value}`);
    if (data.value === null) return nothing;
    const { value, max } = data;
    return {
      state: "values",
      points: [{ atMs, value, ...(max === undefined || max === null ? {} : { max }) }],
    };
  }
  const counts = FORMS.counts.safeParse(document?.value).data;
  const events = FORMS.events.safeParse(document?.value).data;
  const read = form === "counts" ? counts : events && { bad: events.events, total: 0 };
  if (read === undefined) return wrong(`something else than ${EXPECTED[form]}`);
  const { bad, total } = read;
  if (bad === null || total === null) return nothing;
  if (bad < 0 || (form === "counts" && bad > total)) return wrong("counts that cannot be");
  return { state: "counter", atMs, bad, total };
}

/** Some languages write NaN and Infinity into JSON, which has neither: null. */
function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text.replaceAll(/(?<=:\s*)-?(?:NaN|Infinity)(?=\s*[,}])/g, "null")) };
  } catch {
    return undefined; // not JSON: the caller says so
  }
}
