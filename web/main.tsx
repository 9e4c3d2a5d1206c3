import { options, render } from "preact";
import { App } from "./app.tsx";
import { showHiddenCharacters } from "./parts/hidden-characters.ts";
import { loadSession } from "./state/session.ts";
import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";
import "./style/controls.css";
import "./style/run.css";
import "./style/watch.css";

showHiddenCharacters();
// What effects do here is mostly to ask the server: that need not wait until what is there without it was painted.
options.requestAnimationFrame = (flush) => void setTimeout(flush);
void loadSession();
render(<App />, document.querySelector("#console")!);
