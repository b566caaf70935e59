// Shows the description of the API that serves this page, wherever that is: below a stage, a base
// path or a domain of its own. "Try" sends requests there, with the key that the reader types in.

const api = new URL("..", location.href).href.replace(/\/$/, "");
const dark = matchMedia("(prefers-color-scheme: dark)");
const reference = document.querySelector("rapi-doc");

function followTheme() {
  reference.setAttribute("theme", dark.matches ? "dark" : "light");
}

followTheme();
dark.addEventListener("change", followTheme);
reference.setAttribute("server-url", api);
reference.setAttribute("default-api-server", api);
reference.setAttribute("spec-url", `${api}/v1/openapi.json`);
