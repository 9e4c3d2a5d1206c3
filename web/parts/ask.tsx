import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Attachment } from "../../src/model/evidence.ts";
import { send } from "../api/client.ts";
import { isStale } from "../state/live.ts";
import { Dialog } from "./dialog.tsx";
import { Problem } from "./text.tsx";
import { textOf, useForm } from "./use-attempt.ts";

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
  /** With the key the server does it once, however often it is tried from the same question. Rejects with ApiError. */
  act: (said: Said, key: string) => Promise<unknown>;
}

export interface Said {
  note: string;
  attachment?: Attachment;
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
  const [key] = useState(() => crypto.randomUUID());
  const isReady = !isStale.value && (typed === undefined || name === typed);
  const { problem, isBusy, submit } = useForm(async (form) => {
    if (!isReady) return;
    const file = form.get("file");
    const attachment = file instanceof File ? { attachment: await handIn(file) } : {};
    await act({ note: textOf(form, "note").trim(), ...attachment }, key);
    open.value = undefined;
  });
  // Nobody is to miss that it was refused.
  const close = (): void => {
    if (!isBusy) open.value = undefined;
  };
  return (
    <Dialog title={title} close={close}>
      <form onSubmit={submit}>
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
            <input name="note" maxLength={500} required={note.isNeeded} />
          </label>
        )}
        {asksForFile === true && (
          <label>
            <span>File</span>
            <input type="file" name="file" required />
          </label>
        )}
        <Problem error={problem} />
        {isStale.value && <p class="warning">What is shown is old: wait until the server answers again.</p>}
        <div class="buttons">
          <button type="button" disabled={isBusy} onClick={close}>
            Back
          </button>
          <button
            type="submit"
            class={typed === undefined ? "primary" : "danger"}
            disabled={isBusy || !isReady}
          >
            {isBusy ? `${verb} …` : verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

async function handIn(file: File): Promise<Attachment> {
  return send("POST", `/evidence?name=${encodeURIComponent(file.name)}`, file);
}
