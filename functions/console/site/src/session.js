// Who is signed in. The token lives in this tab alone; an API key is never kept.

import { replaceAddress } from "./address.js";
import { call, useToken } from "./api.js";
import { drop, recall, remember } from "./stored.js";

const STORED = "tally.session";
const LASTS_S = 8 * 60 * 60;
const USED_SCOPES = ["usage:read", "billing:read", "keys:write"];

export const mayDo = (session, scope) =>
  session.scopes.includes(scope) || session.scopes.includes("admin:*");

export const isOperator = (session) => session.is_platform && session.scopes.includes("admin:*");

/** A key -> a session with those of its scopes that the console uses. */
export async function signInWithKey(key) {
  const known = await call("GET", "v1/session", { credential: key });
  const scopes = known.scopes.includes("admin:*")
    ? ["admin:*"]
    : USED_SCOPES.filter((scope) => known.scopes.includes(scope));
  if (!scopes.length) {
    throw new Error(`This key has none of the scopes ${USED_SCOPES.join(", ")}. Sign in with one that has.`);
  }
  const body = { scopes, ttl_seconds: LASTS_S };
  const opened = await call("POST", "v1/sessions", { credential: key, body });
  keep(opened.session_token);
}

export const keep = (token) => remember(STORED, token);

export const keptToken = () => recall(STORED);

export const sessionOf = (token) => call("GET", "v1/session", { credential: token });

export function forget() {
  drop(STORED);
  useToken(null);
}

/** The token that another page handed over, `#session=sess_...&page=buyer`. It leaves the URL at
 * once; what stands beside it stays: the page, and its settings. */
export function adoptFromAddress() {
  const handed = new URLSearchParams(location.hash.slice(1));
  const token = handed.get("session");
  if (!token) return false;
  const page = handed.get("page") ?? "";
  handed.delete("session");
  handed.delete("page");
  keep(token);
  replaceAddress(page, Object.fromEntries(handed));
  return true;
}
