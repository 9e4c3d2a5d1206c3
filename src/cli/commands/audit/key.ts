import type { ExitCode } from "../../../error-codes.ts";
import type { CommandContext } from "../../command-context.ts";

/** Prints the public key alone, so that it can be written to a file. */
export async function showKey(context: CommandContext): Promise<ExitCode> {
  const { output } = context;
  const { publicKey, from, isNew } = await (await context.open()).signingKey();
  output.note(isNew ? `a new key was made: ${from}` : `of the key ${from}`);
  output.result({ publicKey, from, isNew, exitCode: 0 }, [publicKey.trimEnd()]);
  return 0;
}
