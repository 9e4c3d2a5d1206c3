/** Reading of unquoted scalars. Quoted ones are always text. */

const DECIMAL = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;

/**
 * What an unquoted scalar is when nothing says what it should be. A number only when printing it gives the
 * same text back: 1.10, 0123456 and 12e5678 are versions and hashes far more often than numbers.
 */
export function resolvePlain(text: string): string | number | boolean | null {
  if (text === "" || text === "~" || /^(null|Null|NULL)$/.test(text)) return null;
  const flag = asBoolean(text);
  if (flag !== undefined) return flag;
  const number = asNumber(text);
  return number !== undefined && String(number) === text ? number : text;
}

/** The number that a plain scalar means where a number is wanted. No octal, hexadecimal, infinity or NaN. */
export function asNumber(text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

function asBoolean(text: string): boolean | undefined {
  if (/^(true|True|TRUE)$/.test(text)) return true;
  return /^(false|False|FALSE)$/.test(text) ? false : undefined;
}
