/** Texts that do something where they are not shown as what they are. */

/** To a browser, and to whatever reads Markdown. Without a slash in its first part, which fits in the name of a folder. */
export const TAG = "<img src=x onerror=alert(1)>";
export const MARKUP = `${TAG}<script>alert(1)</script><svg/onload=alert(1)>"'><a href="javascript:alert(1)">x</a>[x](javascript:alert(1))![y](//evil.example/y)&lt;b&gt;<base href=//evil.example/>{{7*7}} data:text/html,<script>alert(1)</script>`;

/** To a terminal: the clipboard, a link, the screen, the cursor, colours by C1, a title, a charset, and a line that overwrites another. */
export const CONTROLS =
  "\u001b]52;c;ZXZpbA==\u0007\u001b]8;;http://evil.example\u001b\\link\u001b]8;;\u001b\\\u001b[2J\u001b[1;1H\u009b31m\u009d0;title\u009c\u001b]0;title\u0007\u001bc\u001b(0\u000e\b\b\b\u007f\rDEPLOY OK";

/** To a reader: text that runs the other way, that is not seen, that is very wide. */
export const UNSEEN =
  "\u202egnp.\u202d\u2066\u2069\u200b\u200d\u2060\ufeff\u061c\u{e0041}" +
  "\ufdfd".repeat(20) +
  "Z\u0351\u036e".repeat(20);

/** To a line, a table and a quote. */
export const LINES =
  "x\n# heading\n\n| a | b |\n|---|---|\n> quote\n```\ncode\n```\n- [ ] done\n***\n<!-- gone";

export const HOSTILE = `${MARKUP} ${CONTROLS} ${UNSEEN} ${LINES}`;

/** Something of all of it, where 200 characters are the most. */
export const SHORT = `${TAG}<script>alert(1)</script>[x](javascript:alert(1))\u001b]52;c;ZXZpbA==\u0007\u001b[2J\u009b31m\u202egnp.\u2066\u200b\rOK\n# h | b`;

/** What none of them may come through as; but for line breaks. */
export const RAW =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/u;

/** As JSON, and so as YAML, in ASCII alone: a runbook may not hold the characters themselves. */
export function escaped(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^\u0020-\u007e]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
