import { clean } from "./text.ts";

/** Text in which nothing is read as Markdown or HTML. */
export function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|#~]/g, (sign) => `\\${sign}`);
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
  return `![${escapeMarkdown(clean(alt))}](${address})`;
}
