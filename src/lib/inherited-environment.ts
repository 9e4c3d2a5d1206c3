/** What any command needs to be found and to print properly. */
const NEEDED = ["PATH", "HOME", "LANG", "TMPDIR"] as const;

/**
 * The part of this process's own environment that a child gets: what any command needs, and the variables named
 * in `further`. Everything else is given on purpose. A variable that is not set is left out.
 */
export function inheritedEnvironment(...further: string[]): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of [...NEEDED, ...further]) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
