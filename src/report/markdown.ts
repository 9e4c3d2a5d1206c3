import { clean } from "./text.ts";

/** Text of others as one line in which nothing is read as Markdown or HTML, and no character is hidden. */
export function escapeMarkdown(text: string): string {
  return clean(text).replaceAll(/[\\`*_[\]<>|#~&]/g, (sign) => `\\${sign}`);
}

/** Text of others as code. */
export function codeText(text: string): string {
  return `\`${clean(text).replaceAll(/[`|]/g, "'")}\``;
}

/** An image beside the Markdown. `file` is a name without a folder. */
export function imageText(alt: string, file: string): string {
  const address = encodeURIComponent(file).replaceAll(
    /[()']/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  );
  return `![${escapeMarkdown(alt)}](${address})`;
}
