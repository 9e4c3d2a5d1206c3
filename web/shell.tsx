import { useLocation } from "preact-iso/router";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "./api/client.ts";
import { heardAtMs } from "./api/live.ts";
import { AskedQuestion } from "./parts/ask.tsx";
import { KillButton } from "./parts/kill-button.tsx";
import { Palette } from "./parts/palette.tsx";
import { Shortcuts } from "./parts/shortcuts.tsx";
import { clockText } from "./parts/text.tsx";
import { listenToKeys, type Overlay } from "./keys.ts";
import { places } from "./places.ts";
import { announce, announced } from "./state/announce.ts";
import { isStale } from "./state/live.ts";
import { session, signOut, who } from "./state/session.ts";
import { theme, themes, type Theme } from "./state/theme.ts";

/** What is around every page. */
export function Shell({ children }: { children: ComponentChildren }) {
  const { path, route } = useLocation();
  const [overlay, setOverlay] = useState<Overlay | undefined>(undefined);
  useEffect(() => listenToKeys({ go: route, open: setOverlay }), [route]);
  useEffect(() => {
    const place = places.find((known) => known.path === path);
    document.title = `${place?.name ?? "Run"} · ${session.value?.project ?? "tminus"}`;
  }, [path]);
  return (
    <>
      <a class="skip" href="#page">
        To the page
      </a>
      <header class="top">
        <a class="brand" href="/">
          <span class="brand-t" aria-hidden="true">
            T−
          </span>
          {session.value?.project}
        </a>
        <nav aria-label="Pages">
          {places.map((place) => (
            <a key={place.path} href={place.path} aria-current={isAt(path, place.path) ? "page" : undefined}>
              {place.name}
            </a>
          ))}
        </nav>
        <div class="top-end">
          <button type="button" class="plain" onClick={() => setOverlay("palette")} title="Ctrl-K">
            Find
          </button>
          <KillButton />
          <ThemeSwitch />
          <button type="button" class="plain" onClick={() => void leave()} title="Sign out">
            {who.value?.name} · sign out
          </button>
        </div>
      </header>
      <StaleBanner />
      <main id="page" tabIndex={-1}>
        {children}
      </main>
      <div class="live" role="status" aria-live="polite">
        {announced.value}
      </div>
      <AskedQuestion />
      {overlay === "palette" && <Palette close={() => setOverlay(undefined)} go={route} />}
      {overlay === "shortcuts" && <Shortcuts close={() => setOverlay(undefined)} />}
    </>
  );
}

function isAt(path: string, place: string): boolean {
  return place === "/" ? path === "/" : path === place || path.startsWith(`${place}/`);
}

function ThemeSwitch() {
  return (
    <select
      class="plain"
      aria-label="Colours"
      value={theme.value}
      onChange={({ currentTarget }) => (theme.value = currentTarget.value as Theme)}
    >
      {themes.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** Nobody is to decide by what may be old. */
function StaleBanner() {
  if (!isStale.value) return null;
  return (
    <p class="stale" role="alert">
      <span aria-hidden="true">◌ </span>
      stale since {clockText(heardAtMs.value)}: the server is silent, and buttons wait until it is heard of
      again
    </p>
  );
}

async function leave(): Promise<void> {
  try {
    await signOut();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    announce(`not signed out: ${error.message}`);
  }
}
