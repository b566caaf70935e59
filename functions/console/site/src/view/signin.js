// Signing in: with an API key, or at the marketplace's issuer if the stack has one for people.

import { html, useEffect, useRef, useState } from "../../vendor/view.js";
import { issuer, leaveToSignIn } from "../oidc.js";
import { signInWithKey } from "../session.js";
import { Failure } from "./block.js";

const ICON = new URL("../../icon.svg", import.meta.url).href;

/** `why`: what ended the session before, if one did. `done` is called after signing in. */
export function SignIn({ why, error, done }) {
  const [state, setState] = useState({ isBusy: false, error });
  const [oidc, setOidc] = useState(null);
  const heading = useRef(null);
  useEffect(() => {
    issuer().then(setOidc, () => {});
    // What had the focus is gone.
    if (why) heading.current.focus();
  }, []);

  async function submit(event) {
    event.preventDefault();
    const key = new FormData(event.target).get("key").trim();
    setState({ isBusy: true, error: null });
    try {
      await signInWithKey(key);
      done();
    } catch (failed) {
      setState({ isBusy: false, error: failed.status === 401 ? refused(failed) : failed });
    }
  }

  async function leave() {
    try {
      await leaveToSignIn(oidc);
    } catch (failed) {
      setState({ isBusy: false, error: failed });
    }
  }

  return html`
    <main class="sign-in">
      <img src=${ICON} alt="" />
      <h1 ref=${heading} tabindex="-1" aria-describedby=${why && "why"}>Sign in to Tally</h1>
      ${why && html`<p id="why" role="status">${why}</p>`}
      <form onSubmit=${submit}>
        <label class="field">
          <span>API key</span>
          <input name="key" type="password" required autocomplete="off" spellcheck=${false}
            placeholder="ipto_…" aria-describedby="kept" />
        </label>
        <p id="kept" class="note">The key opens a session of 8 hours for this tab, and is not kept.</p>
        ${state.error && html`<${Failure} error=${state.error} />`}
        <button type="submit" class="main" disabled=${state.isBusy}>${state.isBusy ? "Signing in …" : "Sign in"}</button>
      </form>
      ${oidc && html`
        <p class="or">or</p>
        <button type="button" onClick=${leave}>Sign in with your account</button>
      `}
    </main>
  `;
}

const refused = (error) => ({
  message: "This key is not valid: it may be mistyped, revoked or expired.",
  requestId: error.requestId,
});
