import type { FreezeResource } from "../../src/server/contract/environment.ts";
import { send } from "../api/client.ts";
import { Panel, Problem } from "../parts/text.tsx";
import { sentenceOf } from "../parts/verbs.ts";
import { textOf, useForm } from "../parts/use-attempt.ts";
import { announce } from "../state/announce.ts";
import { environments } from "../state/lists.ts";
import { isStale } from "../state/live.ts";
import { session } from "../state/session.ts";

/** Keeps deploys out for a while. */
export function FreezeForm() {
  const freeze = environments.value.value?.environments
    .flatMap(({ allowedActions }) => allowedActions)
    .find(({ action }) => action === "freeze");
  const { problem, isBusy, submit } = useForm(async (form, element) => {
    const [environment, from] = [textOf(form, "environment"), textOf(form, "from").trim()];
    const { name, until } = await send<FreezeResource>("POST", "/freezes", {
      ...(environment === "" ? {} : { environment }),
      reason: textOf(form, "reason").trim(),
      ...(from === "" ? {} : { from }),
      until: textOf(form, "until").trim(),
    });
    announce(`freeze ${name} until ${until}`);
    element.reset();
    environments.refresh();
  });
  return (
    <Panel title="Freeze">
      <form class="filters" onSubmit={submit}>
        <label>
          <span>Environment</span>
          <select name="environment">
            <option value="">every one</option>
            {session.value?.environments.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          <span>Reason</span>
          <input name="reason" required maxLength={1000} autocomplete="off" />
        </label>
        <label>
          <span>From, if not now</span>
          <input name="from" placeholder="2026-12-24 18:00" maxLength={100} autocomplete="off" />
        </label>
        <label>
          <span>Until</span>
          <input name="until" required placeholder="4h" maxLength={100} autocomplete="off" />
        </label>
        <button
          type="submit"
          disabled={freeze?.isAllowed !== true || isBusy || isStale.value}
          aria-describedby="why-freeze"
        >
          Freeze
        </button>
      </form>
      <p id="why-freeze" class="sentence">
        {freeze?.isAllowed === false
          ? sentenceOf(freeze)
          : "Nothing more is deployed there until it ends; going back stays possible."}
      </p>
      <Problem error={problem} />
    </Panel>
  );
}
