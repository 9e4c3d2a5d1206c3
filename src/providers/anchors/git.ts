import { inheritedEnvironment } from "../../lib/inherited-environment.ts";
import { lastLines } from "../../lib/output-tail.ts";
import { run } from "../../lib/process.ts";
import type { AnchorPlace } from "../../model/audit.ts";
import { parseAnchors } from "./parse-anchors.ts";

const LIMIT_MS = 30_000;
const MAX_BYTES = 64 * 1024 * 1024;
/** The tag is tminus's word, whoever's machine the worker runs on; and no key may be asked for. */
const IDENTITY = ["-c", "user.name=tminus", "-c", "user.email=tminus@localhost", "-c", "tag.gpgSign=false"];

/**
 * Annotated tags `<prefix>/<sequence>` in the project's repository, whose message is the anchor. Nothing is pushed:
 * whoever pushes the tags decides where to. A tag is never moved.
 */
export function gitAnchors(prefix: string, directory: string): AnchorPlace {
  const git = async (argv: readonly string[], signal: AbortSignal): Promise<string> => {
    const result = await run(["git", ...argv], {
      cwd: directory,
      env: inheritedEnvironment(),
      timeoutMs: LIMIT_MS,
      signal,
      maxOutputBytes: MAX_BYTES,
    });
    if (result.exitCode === 0) return result.output;
    const [said = ""] = lastLines(result.output, 1);
    throw new Error(
      `git ${argv.includes("tag") ? "tag" : "for-each-ref"} failed: ${result.startError ?? said}`,
    );
  };
  const messages = (pattern: string, signal: AbortSignal): Promise<string> =>
    git(["for-each-ref", "--sort=creatordate", "--format=%(contents:subject)", pattern], signal);
  return {
    name: `the tags ${prefix}/… of ${directory}`,
    async write(anchor, signal) {
      const name = `${prefix}/${anchor.sequence}`;
      const [there] = parseAnchors(await messages(`refs/tags/${name}`, signal));
      if (there?.hash === anchor.hash && there.project === anchor.project) return;
      if (there !== undefined)
        throw new Error(`the tag ${name} is there already, of ${there.project} and with another hash`);
      await git([...IDENTITY, "tag", "--annotate", "--message", JSON.stringify(anchor), name], signal);
    },
    read: async (signal) => parseAnchors(await messages(`refs/tags/${prefix}/`, signal)),
  };
}
