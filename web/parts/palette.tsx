import { useEffect, useState } from "preact/hooks";
import { environments } from "../state/lists.ts";
import { places } from "../places.ts";
import { Dialog } from "./dialog.tsx";

interface Target {
  name: string;
  path: string;
}

const MAX_SHOWN = 12;

/** Goes to whatever is named: pages, environments, runs. It does nothing else. */
export function Palette({ close, go }: { close: () => void; go: (path: string) => void }) {
  const [wanted, setWanted] = useState("");
  const [at, setAt] = useState(0);
  useEffect(() => environments.refresh(), []);
  const found = targets().filter(({ name }) => isLike(name, wanted));
  // A run that is in no list can be opened by its id.
  if (/^r[0-9a-z]{6,}$/.test(wanted)) found.push({ name: `Run ${wanted}`, path: `/runs/${wanted}` });
  const shown = found.slice(0, MAX_SHOWN);
  const choose = (target: Target | undefined): void => {
    if (target === undefined) return;
    close();
    go(target.path);
  };
  const move = (event: KeyboardEvent): void => {
    if (event.key === "Enter") choose(shown[at]);
    else if (event.key === "ArrowDown") setAt(Math.min(shown.length - 1, at + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Find" close={close} class="palette">
      <input
        role="combobox"
        aria-label="Page, environment or run"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={shown.length > 0 ? `palette-${at}` : undefined}
        autocomplete="off"
        value={wanted}
        onInput={({ currentTarget }) => {
          setWanted(currentTarget.value);
          setAt(0);
        }}
        onKeyDown={move}
      />
      <ul id="palette-list" role="listbox" aria-label="Found">
        {shown.map((target, index) => (
          <li
            key={target.path}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === at}
            onClick={() => choose(target)}
          >
            {target.name}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function targets(): Target[] {
  const known = environments.value.value?.environments ?? [];
  return [
    ...places.map(({ name, path }) => ({ name, path })),
    ...known.flatMap(({ name, active, last }) => [
      ...[...active, ...(last === undefined ? [] : [last])].map(({ id, release }) => ({
        name: `Run ${id} · ${name} · ${release}`,
        path: `/runs/${id}`,
      })),
      { name: `Plan a release for ${name}`, path: `/plan?environment=${encodeURIComponent(name)}` },
      { name: `Runs of ${name}`, path: `/runs?environment=${encodeURIComponent(name)}` },
    ]),
  ];
}

/** Its letters are there, in this order. */
function isLike(name: string, wanted: string): boolean {
  let from = 0;
  const text = name.toLowerCase();
  for (const letter of wanted.toLowerCase().replaceAll(" ", "")) {
    const at = text.indexOf(letter, from);
    if (at < 0) return false;
    from = at + 1;
  }
  return true;
}
