/** Of a run below /api. */
export function runPath(id: string): string {
  return `/runs/${encodeURIComponent(id)}`;
}
