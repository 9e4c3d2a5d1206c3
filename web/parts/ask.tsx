import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Attachment } from "../../src/model/evidence.ts";
import { ApiError, send } from "../api/client.ts";
import { isStale } from "../state/live.ts";
import { Dialog } from "./dialog.tsx";
import { Problem } from "./text.tsx";

/** Something to be done that is asked for once more before it is. */
export interface Question {
  /** The verb, also on the button that does it. */
  verb: string;
  title: string;
  /** One sentence. */
  consequence: string;
  /** The environment's name, to be typed because it destroys something. */
  typed?: string;
  /** Left out when nothing would keep it. */
  note?: { label: string; isNeeded: boolean };
  /** A file has to be handed in with it. */
  asksForFile?: boolean;
  body?: ComponentChildren;
  /** Rejects with ApiError. */
  act: (note: string, handedIn: { attachment?: Attachment }) => Promise<unknown>;
}

const open = signal<Question | undefined>(undefined);

export function ask(question: Question): void {
  open.value = question;
}

/** The one place where questions are asked. */
export function AskedQuestion() {
  return open.value === undefined ? null : <QuestionDialog key={open.value.title} {...open.value} />;
}

function QuestionDialog({ verb, title, consequence, typed, note, asksForFile, body, act }: Question) {
  const [name, setName] = useState("");
  const [said, setSaid] = useState("");
  const [file, setFile] = useState<File>();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiError>();
  const close = (): void => void (open.value = undefined);
  const isReady = !isBusy && !isStale.value && (typed === undefined || name === typed);
  const carryOut = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (!isReady) return;
    setBusy(true);
    try {
      await act(said.trim(), file === undefined ? {} : { attachment: await handIn(file) });
      close();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setProblem(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} close={close}>
      <form onSubmit={(event) => void carryOut(event)}>
        <p class="consequence">{consequence}</p>
        {body}
        {typed !== undefined && (
          <label>
            <span>
              Type <strong class="code">{typed}</strong> to confirm
            </span>
            <input
              name="environment"
              autocomplete="off"
              spellcheck={false}
              value={name}
              onInput={({ currentTarget }) => setName(currentTarget.value)}
            />
          </label>
        )}
        {note !== undefined && (
          <label>
            <span>
              {note.label}
              {note.isNeeded ? "" : " (may be left out)"}
            </span>
            <input
              name="note"
              maxLength={500}
              required={note.isNeeded}
              value={said}
              onInput={({ currentTarget }) => setSaid(currentTarget.value)}
            />
          </label>
        )}
        {asksForFile === true && (
          <label>
            <span>File</span>
            <input
              type="file"
              name="file"
              required
              onChange={({ currentTarget }) => setFile(currentTarget.files?.[0])}
            />
          </label>
        )}
        <Problem error={problem} />
        {isStale.value && <p class="warning">What is shown is old: wait until the server answers again.</p>}
        <div class="buttons">
          <button type="button" onClick={close}>
            Back
          </button>
          <button type="submit" class={typed === undefined ? "primary" : "danger"} disabled={!isReady}>
            {verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

async function handIn(file: File): Promise<Attachment> {
  return send("POST", `/evidence?name=${encodeURIComponent(file.name)}`, file);
}
