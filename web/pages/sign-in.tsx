import { Problem } from "../parts/text.tsx";
import { textOf, useForm } from "../parts/use-attempt.ts";
import { session, signIn } from "../state/session.ts";

export function SignIn() {
  const { problem, isBusy, submit } = useForm((form) =>
    signIn(textOf(form, "name"), textOf(form, "password")),
  );
  // Of the way back from the provider; nothing but a code, because anybody can write an address.
  const refused = /^\?refused=([A-Z_]+)$/.exec(location.search)?.[1] ?? null;
  return (
    <main class="alone">
      <form class="panel card" onSubmit={submit}>
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
        {session.value?.oidc !== null && (
          <a class="button" href="/api/login/oidc">
            Sign in with {new URL(session.value!.oidc).host}
          </a>
        )}
        {refused !== null && (
          <p class="problem" role="alert">
            ✗ The provider did not sign you in: <code>{refused}</code>. An admin adds users, with the e-mail
            that it knows.
          </p>
        )}
      </form>
    </main>
  );
}
