import { access, constants, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { findInside } from "../../lib/script-file.ts";

/** Why the program cannot be run, or undefined when it can. A relative path must lead to inside the project. */
export async function programProblem(
  program: string,
  projectDirectory: string,
  searchPath: string,
): Promise<string | undefined> {
  if (!program.includes("/")) {
    for (const folder of searchPath.split(delimiter)) {
      if (folder !== "" && (await isExecutable(join(folder, program)))) return undefined;
    }
    return `the program ${program} was not found`;
  }
  if (isAbsolute(program))
    return (await isExecutable(program)) ? undefined : `${program} is not an executable file`;
  const found = findInside(projectDirectory, program);
  if (found.state === "refused") return found.reason;
  return (await isExecutable(found.file)) ? undefined : `${program} is not an executable file`;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false; // whatever the reason, it cannot be run
  }
}
