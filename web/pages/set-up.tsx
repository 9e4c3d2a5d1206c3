import { useState } from "preact/hooks";
import { ApiError } from "../api/client.ts";
import { Problem, Quiet } from "../parts/text.tsx";
import { session, setUp } from "../state/session.ts";
import { textOf } from "./sign-in.tsx";

/** The first user, by the link that the server printed: /setup#<code>. */
export function SetUp() {
  const [problem, setProblem] = useState<ApiError>();
  const [isBusy, setBusy] = useState(false);
  const code = location.pathname === "/setup" ? decodeURIComponent(location.hash.slice(1)) : "";
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const [name, email, password] = ["name", "email", "password"].map((field) => textOf(form, field));
    setBusy(true);
    try {
      await setUp(code, { name: name!, email: email!, password: password! });
      history.replaceState(null, "", "/");
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
        <h1>Set up {session.value?.project}</h1>
        {code === "" ? (
          <Quiet>
            There is no user yet. Open the set-up link that <code>tminus server</code> printed when it
            started.
          </Quiet>
        ) : (
          <>
            <p>You become the first user, with every role.</p>
            <label>
              <span>Name</span>
              <input name="name" autocomplete="username" maxLength={100} required autofocus />
            </label>
            <label>
              <span>Email, as in your commits</span>
              <input name="email" type="email" autocomplete="email" maxLength={254} required />
            </label>
            <label>
              <span>Password, at least 12 characters</span>
              <input
                name="password"
                type="password"
                autocomplete="new-password"
                minLength={12}
                maxLength={1000}
                required
              />
            </label>
            <Problem error={problem} />
            <button type="submit" class="primary" disabled={isBusy}>
              Create the first user
            </button>
          </>
        )}
      </form>
    </main>
  );
}
