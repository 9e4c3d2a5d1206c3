import { useState } from "preact/hooks";
import { ApiError } from "../api/client.ts";

/** Something that the server may refuse: whether it is on its way, and why it was refused the last time. */
export function useAttempt() {
  const [problem, setProblem] = useState<ApiError>();
  const [isBusy, setBusy] = useState(false);
  /** Once at a time; `work` rejects with ApiError. */
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    if (isBusy) return;
    setBusy(true);
    setProblem(undefined);
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return { problem, isBusy, attempt };
}

/** A form on its way to the server. */
export function useForm(work: (form: FormData, element: HTMLFormElement) => Promise<unknown>) {
  const { problem, isBusy, attempt } = useAttempt();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const element = event.currentTarget as HTMLFormElement;
    void attempt(() => work(new FormData(element), element));
  };
  return { problem, isBusy, submit };
}

/** What is written in one of its fields. */
export function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}
