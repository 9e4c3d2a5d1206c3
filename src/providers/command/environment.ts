/** What commands need of the worker's own environment; everything else is given by name. */
const INHERITED = ["PATH", "HOME", "LANG", "TMPDIR"];

export interface CommandFacts {
  environment: string;
  release?: string;
  key?: string;
  fence?: number;
}

/** The complete environment of a command of the target: what it cannot do without, the variables, and TMINUS_*. */
export function commandEnvironment(
  variables: Readonly<Record<string, string>>,
  { environment, release, key, fence }: CommandFacts,
): Record<string, string> {
  const inherited = INHERITED.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(inherited),
    ...variables,
    TMINUS_ENVIRONMENT: environment,
    ...(release === undefined ? {} : { TMINUS_RELEASE: release }),
    ...(key === undefined ? {} : { TMINUS_KEY: key }),
    ...(fence === undefined ? {} : { TMINUS_FENCE: String(fence) }),
  };
}
