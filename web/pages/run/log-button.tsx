import { useState } from "preact/hooks";
import { getText } from "../../api/client.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Output } from "../../parts/output.tsx";
import { Problem } from "../../parts/text.tsx";
import { useAttempt } from "../../parts/use-attempt.ts";

/** The deploy log, to read and to take away. */
export function LogButton({ runId }: { runId: string }) {
  const [log, setLog] = useState<string>();
  const { problem, attempt } = useAttempt();
  const read = (): Promise<void> => attempt(async () => setLog(await getText(`/runs/${runId}/log`)));
  return (
    <p class="line">
      <button type="button" onClick={() => void read()}>
        Read the deploy log
      </button>{" "}
      <a href={`/api/runs/${runId}/log`} download={`${runId}.md`}>
        as Markdown
      </a>
      <Problem error={problem} />
      {log !== undefined && (
        <Dialog title={`Deploy log of ${runId}`} close={() => setLog(undefined)} class="wide">
          <Output text={log} label="Deploy log" />
          <div class="buttons">
            <button type="button" onClick={() => setLog(undefined)}>
              Close
            </button>
          </div>
        </Dialog>
      )}
    </p>
  );
}
