import { distance } from "fastest-levenshtein";

/** Longer words are not compared: nobody mistypes them by a letter or two, and comparing costs their length. */
const MAX_LENGTH = 64;
const MAX_CANDIDATES = 500;

/** The candidate that was most likely meant, or undefined when none is near. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length === 0 || word.length > MAX_LENGTH) return undefined;
  let best: { candidate: string; score: number } | undefined;
  for (const candidate of candidates.slice(0, MAX_CANDIDATES)) {
    const score = distance(fold(word), fold(candidate));
    const swapped = score === 2 && letters(word) === letters(candidate);
    const near = swapped || score <= Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3));
    if (near && (best === undefined || score < best.score)) best = { candidate, score };
  }
  return best?.candidate;
}

/** A hint that names the closest candidate, or else the first few that there are. */
export function suggest(word: string, candidates: readonly string[], noun: string): string {
  const match = closest(word, candidates);
  if (match !== undefined) return `did you mean "${match}"?`;
  if (candidates.length === 0) return "";
  const shown = candidates.slice(0, 12).join(", ");
  return `${noun}: ${shown}${candidates.length > 12 ? " …" : ""}`;
}

/** Two letters changed places: a distance of 2, too far for a short word otherwise. */
function letters(text: string): string {
  return fold(text).split("").sort().join("");
}

function fold(text: string): string {
  return text.toLowerCase().replaceAll(/[-_.]/g, "");
}
