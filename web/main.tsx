import { render } from "preact";
import { App } from "./app.tsx";
import { showHiddenCharacters } from "./parts/hidden-characters.ts";
import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";
import "./style/run.css";

showHiddenCharacters();
render(<App />, document.querySelector("#console")!);
