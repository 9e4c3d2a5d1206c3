import { clean, widthOf } from "../text.ts";

/** In px, from the top left corner. */
export interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** What is drawn: words lie over all shapes, so that no line goes through them. */
export interface Drawing {
  shapes: string[];
  words: string[];
}

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** An element with its children, which are elements or escaped text already. Numbers have one digit after the point. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes)
    .flatMap(([key, value]) => (value === undefined ? [] : [` ${key}="${attributeText(value)}"`]))
    .join("");
  const content = children.filter((child) => child !== "");
  if (content.length === 0) return `<${name}${written}/>`;
  const isText = content.length === 1 && !content[0]!.startsWith("<");
  return isText
    ? `<${name}${written}>${content[0]!}</${name}>`
    : `<${name}${written}>\n${content.join("\n")}\n</${name}>`;
}

/** One line of text at a place. `text` is escaped here. */
export function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element("text", { x, y, ...attributes }, escapeXml(text));
}

export function rule(x1: number, y1: number, x2: number, y2: number, className: string): string {
  return element("path", { class: className, d: `M${round(x1)} ${round(y1)}L${round(x2)} ${round(y2)}` });
}

/** Text of others as the content of an element or an attribute: what XML does not allow is taken out. */
export function escapeXml(text: string): string {
  return clean(text)
    .replaceAll(/[\ufffe\uffff]/g, "")
    .replaceAll(/[&<>"']/g, (sign) => `&#${sign.codePointAt(0)};`);
}

/** How wide a text is at the most likely, in px: no font is known here. */
export function textWidth(text: string, size = 12): number {
  return widthOf(text) * size * 0.56;
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function attributeText(value: string | number): string {
  return typeof value === "number" ? String(round(value)) : escapeXml(value);
}
