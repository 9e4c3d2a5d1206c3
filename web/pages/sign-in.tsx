import { useState } from "preact/hooks";
import { ApiError } from "../api/client.ts";
import { Problem } from "../parts/text.tsx";
import { session, signIn } from "../state/session.ts";

export function SignIn() {
  const [problem, setProblem] = useState<ApiError>();
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    try {
      await signIn(textOf(form, "name"), textOf(form, "password"));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setProblem(error);
      setBusy(false);
    }
  };
  return (
    <main class="alone">
      <form class="panel card" onSubmit={(event) => void submit(event)}>
        <p class="brand-t big" aria-hidden="true">
          T−
        </p>
        <h1>Sign in to {session.value?.project}</h1>
        <label>
          <span>Name</span>
          <input name="name" autocomplete="username" required autofocus />
        </label>
        <label>
          <span>Password</span>
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <Problem error={problem} />
        <button type="submit" class="primary" disabled={isBusy}>
          Sign in
        </button>
      </form>
    </main>
  );
}

export function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}
