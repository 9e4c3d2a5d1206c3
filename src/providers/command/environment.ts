import { inheritedEnvironment } from "../../lib/inherited-environment.ts";

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
  return {
    ...inheritedEnvironment(),
    ...variables,
    TMINUS_ENVIRONMENT: environment,
    ...(release === undefined ? {} : { TMINUS_RELEASE: release }),
    ...(key === undefined ? {} : { TMINUS_KEY: key }),
    ...(fence === undefined ? {} : { TMINUS_FENCE: String(fence) }),
  };
}
