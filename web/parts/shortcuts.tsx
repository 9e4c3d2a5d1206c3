import { places } from "../places.ts";
import { Dialog } from "./dialog.tsx";

const keys: readonly [string, string][] = [
  ["j, k", "the next row, the one before"],
  ["Enter", "open the row"],
  ["a", "approve what waits: asks first"],
  ["h", "hold the run: asks first"],
  ["/", "search the list"],
  ...places.map(({ key, name }): [string, string] => [`g ${key}`, name]),
  ["Ctrl-K", "find a page, an environment or a run"],
  ["?", "this list"],
  ["Escape", "close"],
];

/** What the keyboard does. No single key destroys anything. */
export function Shortcuts({ close }: { close: () => void }) {
  return (
    <Dialog title="Keyboard" close={close}>
      <dl class="keys">
        {keys.map(([key, text]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <div class="buttons">
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
