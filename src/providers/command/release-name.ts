/** Release names become arguments and parts of paths, so they must not lead elsewhere or look like an option. */
export function isReleaseName(release: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/.test(release);
}
