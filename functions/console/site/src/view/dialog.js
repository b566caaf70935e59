// A question before something happens. The focus stays in it, and goes back to where it was.

import { html, useEffect, useId, useRef, useState } from "../../vendor/view.js";
import { Failure } from "./block.js";

/** Open from the start; `close` is called when it is left. */
export function Dialog({ title, close, children }) {
  const dialog = useRef(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current.showModal();
    return () => before?.focus();
  }, []);
  return html`
    <dialog ref=${dialog} aria-labelledby=${id} onClose=${close}>
      <h2 id=${id}>${title}</h2>
      ${children}
    </dialog>
  `;
}

/** A form in a dialog. `submit` gets its values and may throw; `children` are its controls. */
export function FormDialog({ title, close, submit, action, isReady = true, isGrave, children }) {
  const [state, setState] = useState({ isBusy: false, error: null });
  async function send(event) {
    event.preventDefault();
    const values = new FormData(event.target);
    setState({ isBusy: true, error: null });
    try {
      await submit(values);
    } catch (error) {
      setState({ isBusy: false, error });
    }
  }
  return html`
    <${Dialog} title=${title} close=${close}>
      <form onSubmit=${send}>
        ${children}
        ${state.error && html`<${Failure} error=${state.error} />`}
        <p class="buttons">
          <button type="button" onClick=${close}>Cancel</button>
          <button type="submit" class=${isGrave ? "grave" : "main"} disabled=${state.isBusy || !isReady}>
            ${action}
          </button>
        </p>
      </form>
    <//>
  `;
}

/** A control with its name. */
export const Field = ({ label, hint, children }) => html`
  <label class="field">
    <span>${label}</span>
    ${children}
    ${hint && html`<small>${hint}</small>`}
  </label>
`;
