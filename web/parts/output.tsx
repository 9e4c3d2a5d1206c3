import { useMemo } from "preact/hooks";
import { ansiSpans, type AnsiSpan } from "./ansi.ts";

/** What is shown of longer output is its end. */
const MAX_CHARACTERS = 200_000;

/** Output of programs with its colours, as text and never as markup. */
export function Output({ text, label }: { text: string; label: string }) {
  const spans = useMemo(() => ansiSpans(text.slice(-MAX_CHARACTERS)), [text]);
  return (
    <pre class="output" tabIndex={0} role="region" aria-label={label}>
      {text.length > MAX_CHARACTERS && "… the beginning is left out\n"}
      {spans.map((span, index) => {
        const name = classOf(span);
        return name === "" ? (
          span.text
        ) : (
          <span key={index} class={name}>
            {span.text}
          </span>
        );
      })}
    </pre>
  );
}

/** The sixteen colours of terminals have classes; what lies beyond is taken for the nearest of these. */
function classOf({ colour, ground, ...looks }: AnsiSpan): string {
  return [
    ...(colour === undefined ? [] : [`fg-${basic(colour)}`]),
    ...(ground === undefined ? [] : [`bg-${basic(ground)}`]),
    ...(looks.isBold ? ["bold"] : []),
    ...(looks.isDim ? ["dim"] : []),
    ...(looks.isItalic ? ["italic"] : []),
    ...(looks.isUnderlined ? ["underlined"] : []),
    ...(looks.isStruck ? ["struck"] : []),
  ].join(" ");
}

/** 0 to 7: black, red, green, yellow, blue, magenta, cyan, white. */
function basic(colour: number): number {
  if (colour < 16) return colour % 8;
  if (colour >= 232) return colour < 244 ? 0 : 7;
  const [red, green, blue] = [
    Math.floor((colour - 16) / 36),
    Math.floor(((colour - 16) % 36) / 6),
    (colour - 16) % 6,
  ];
  const most = Math.max(red, green, blue);
  const bit = (part: number): number => (most > 0 && part * 2 > most ? 1 : 0);
  return bit(red) + 2 * bit(green) + 4 * bit(blue);
}
