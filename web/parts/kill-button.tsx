import { ApiError, send } from "../api/client.ts";
import { announce } from "../state/announce.ts";
import { session } from "../state/session.ts";

/** In the demo alone. */
export function KillButton() {
  if (session.value?.canBeKilled !== true) return null;
  return (
    <button
      type="button"
      title="kill -9: the run goes on where it was once the server is back, and this page catches up"
      onClick={() => void kill()}
    >
      Kill the server
    </button>
  );
}

async function kill(): Promise<void> {
  announce("the server is killed");
  try {
    await send("POST", "/kill");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code !== "UNREACHABLE") announce(`not killed: ${error.message}`);
  }
}
