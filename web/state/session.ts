import { computed, signal } from "@preact/signals";
import type { Session } from "../../src/server/contract/session.ts";
import { ApiError, get, send } from "../api/client.ts";

/** Undefined until the server has said who we are. */
export const session = signal<Session | undefined>(undefined);
/** Why it could not say. */
export const sessionProblem = signal<ApiError | undefined>(undefined);

export const who = computed(() => session.value?.who ?? undefined);

export async function loadSession(): Promise<void> {
  try {
    session.value = await get<Session>("/session");
    sessionProblem.value = undefined;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    sessionProblem.value = error;
  }
}

/** The session is over: whoever looks has to sign in again. */
export function forgetWho(): void {
  if (session.value !== undefined) session.value = { ...session.value, who: null };
}

/** Errors: ApiError. */
export async function signIn(name: string, password: string): Promise<void> {
  session.value = await send<Session>("POST", "/session", { name, password });
}

/** Makes the first user, and signs them in. Errors: ApiError. */
export async function setUp(
  code: string,
  user: { name: string; email: string; password: string },
): Promise<void> {
  session.value = await send<Session>("POST", "/setup", { code, ...user });
}

/** Errors: ApiError. */
export async function signOut(): Promise<void> {
  await send("DELETE", "/session");
  await loadSession();
}
