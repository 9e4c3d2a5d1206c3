import { Problem, Quiet } from "../parts/text.tsx";
import { textOf, useForm } from "../parts/use-attempt.ts";
import { session, setUp } from "../state/session.ts";

/** The first user, by the link that the server printed: /setup#<code>. */
export function SetUp() {
  const code = location.pathname === "/setup" ? decodeURIComponent(location.hash.slice(1)) : "";
  const { problem, isBusy, submit } = useForm(async (form) => {
    const [name, email, password] = ["name", "email", "password"].map((field) => textOf(form, field));
    await setUp(code, { name: name!, email: email!, password: password! });
    history.replaceState(null, "", "/");
  });
  return (
    <main class="alone">
      <form class="panel card" onSubmit={submit}>
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
