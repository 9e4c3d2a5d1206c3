import { options, type ComponentChildren, type VNode } from "preact";

/**
 * What is not seen, or makes a reader see another text than is there: control characters but tabs and line breaks (of one
 * character or two), marks that turn the writing direction (Unicode's bidirectional controls), spaces of no width, line
 * separators and tags. The joiners U+200C and U+200D are left: some languages and emoji are not written without them.
 */
const HIDDEN =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\r(?!\n)/gu;
/** Attributes that are read out, or shown when something is pointed at. */
const READ = ["title", "aria-label", "alt", "placeholder"] as const;

/** From now on every element shows a sign, U+FFFD, for each hidden character in its text, whoever wrote it. */
export function showHiddenCharacters(): void {
  const next = options.vnode;
  options.vnode = (vnode) => {
    if (typeof vnode.type === "string") show(vnode as VNode<Record<string, unknown>>);
    next?.(vnode);
  };
}

function show({ props }: VNode<Record<string, unknown>>): void {
  if (props.children !== undefined) props.children = shown(props.children) as ComponentChildren;
  for (const name of READ) if (typeof props[name] === "string") props[name] = shown(props[name]);
}

function shown(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll(HIDDEN, "\ufffd");
  return Array.isArray(value) ? value.map(shown) : value;
}
