import { connection } from "../api/client";
import { switchTheme, theme } from "../state/theme";

const WORDS = { connecting: "Connecting…", live: "Live", reconnecting: "Reconnecting…" };

export function Header() {
  const other = theme.value === "dark" ? "Light" : "Dark";
  return (
    <header class="header">
      <h1>Order Execution Engine</h1>
      <span class={`connection ${connection.value}`} role="status">
        <span aria-hidden="true">{connection.value === "live" ? "●" : "◌"}</span>{" "}
        {WORDS[connection.value]}
      </span>
      <nav aria-label="Pages">
        <button type="button" class="plain" onClick={switchTheme}>
          {other} theme
        </button>
        <a href="/graphql">GraphiQL</a>
      </nav>
    </header>
  );
}
