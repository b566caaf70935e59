// What is asked before a key is made, replaced or revoked, and the one look at a new key.

import { html, useRef, useState } from "../../vendor/view.js";
import { call } from "../api.js";
import * as format from "../format.js";
import { mayDo } from "../session.js";
import { Dialog, Field, FormDialog } from "../view/dialog.js";
import { CopyButton } from "../view/pieces.js";

const SCOPES = {
  "usage:read": "Read usage",
  "billing:read": "Read money",
  "keys:write": "Manage keys",
  "search:query": "Search",
  "datasets:read": "Read datasets",
  "datasets:write": "Change datasets",
  "objects:write": "Upload objects",
  "events:write": "Send events",
};
const USUAL = "usage:read";
const GRACES = { 0: "At once", 3600: "After an hour", 86400: "After a day", 604800: "After a week" };

export function CreateKey({ session, close, done }) {
  const maker = useRef(null);
  const all = Object.keys(SCOPES);
  const own = all.filter((scope) => mayDo(session, scope));
  const others = all.filter((scope) => !mayDo(session, scope));
  async function submit(values) {
    const expires = values.get("expires");
    const body = {
      name: values.get("name"),
      scopes: values.getAll("scopes"),
      ...(expires && { expires_at: `${expires}T23:59:59Z` }),
    };
    done(await made("v1/api-keys", body, { session, maker }));
  }
  return html`
    <${FormDialog} title="Create an API key" close=${close} submit=${submit} action="Create the key">
      <${Field} label="Name" hint="What will use it"><input name="name" required maxlength="100" /><//>
      <${Choices} legend="It may" scopes=${own} />
      <${Choices} legend="It may also, if it is made with an API key that may" scopes=${others} />
      <${Field} label="Last day" hint="Leave it empty for a key that does not expire."><input name="expires" type="date" /><//>
      <${MakerField} session=${session} maker=${maker} needs="and do what the new one may" />
    <//>
  `;
}

const Choices = ({ legend, scopes }) => scopes.length > 0 && html`
  <fieldset class="choices">
    <legend>${legend}</legend>
    ${scopes.map((scope) => html`
      <label><input type="checkbox" name="scopes" value=${scope} defaultChecked=${scope === USUAL} /> ${SCOPES[scope]} <code>${scope}</code></label>
    `)}
  </fieldset>
`;

/**
 * Nobody can make a key that lives longer than what it is made with, or that may do more; and a
 * session is short, and has few scopes.
 */
const MakerField = ({ session, maker, needs }) => session.expires_at && html`
  <${Field} label="Make it with an API key"
    hint="A key made in this session ends with it, on ${format.time(session.expires_at)} UTC. To make one that lasts, enter a key that may manage keys ${needs}; it is used once and not kept.">
    <input ref=${maker} type="password" autocomplete="off" spellcheck=${false} placeholder="ipto_…" />
  <//>
`;

/** A new key, made with the key in the field `maker`, or with the session if that is empty. */
async function made(path, body, { session, maker }) {
  const credential = maker.current?.value.trim() || undefined;
  try {
    if (credential) await checkTenant(credential, session);
    return await call("POST", path, { body, credential });
  } catch (error) {
    maker.current?.focus();
    if (error.status === 403 && maker.current && !credential) error.message += " Enter one above.";
    throw error;
  }
}

/** Another tenant's key would make the new one there. */
async function checkTenant(credential, session) {
  const whose = await call("GET", "v1/session", { credential });
  if (whose.tenant_id === session.tenant_id) return;
  throw new Error(`This is a key of ${whose.display_name}. Enter one of ${session.display_name}.`);
}

export function RotateKey({ session, row, close, done }) {
  const maker = useRef(null);
  async function submit(values) {
    const body = { grace_seconds: Number(values.get("grace")) };
    done(await made(`v1/api-keys/${row.api_key_id}/rotate`, body, { session, maker }));
  }
  return html`
    <${FormDialog} title="Rotate ${row.name}" close=${close} submit=${submit} action="Make the new key">
      <p>A new key with the same name and scopes takes the place of this one.</p>
      <${Field} label="The old key stops working">
        <select name="grace">
          ${Object.entries(GRACES).map(([seconds, words]) => html`<option value=${seconds} selected=${seconds === "86400"}>${words}</option>`)}
        </select>
      <//>
      <${MakerField} session=${session} maker=${maker} needs="and has the scopes of this one (${row.scopes.join(", ")})" />
    <//>
  `;
}

export function RevokeKey({ row, close, done }) {
  const [typed, setTyped] = useState("");
  async function submit() {
    await call("DELETE", `v1/api-keys/${row.api_key_id}`);
    done();
  }
  return html`
    <${FormDialog} title="Revoke ${row.name}" close=${close} submit=${submit} action="Revoke the key" isGrave=${true} isReady=${typed === row.name}>
      <p>Whatever uses this key, or a session of it, stops working within 30 seconds. This cannot be undone.</p>
      <${Field} label="Type the key’s name, ${row.name}, to confirm">
        <input value=${typed} onInput=${(event) => setTyped(event.target.value)} autocomplete="off" />
      <//>
    <//>
  `;
}

export const NewKey = ({ made, close }) => html`
  <${Dialog} title="Your new key" close=${close}>
    <p><strong>Copy it now.</strong> It is shown this once, and cannot be read again.</p>
    <p class="secret"><code tabindex="0">${made.key}</code></p>
    <p class="note">${made.expires_at ? `It expires on ${format.time(made.expires_at)} UTC.` : "It does not expire."}</p>
    <p class="buttons">
      <${CopyButton} text=${made.key} label="Copy the key" />
      <button type="button" class="main" onClick=${close}>I have stored it</button>
    </p>
  <//>
`;
