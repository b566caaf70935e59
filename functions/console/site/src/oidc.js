// Signing in at the marketplace's own issuer: authorization code with PKCE (RFC 7636), no secret.

import { keep } from "./session.js";
import { drop, isLasting, recall, remember } from "./stored.js";

const STORED = "tally.signing-in";

const here = () => location.origin + location.pathname;

const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** The issuer, if the stack has one for people. */
export async function issuer() {
  const response = await fetch("config.json");
  return response.ok ? (await response.json()).oidc : null;
}

/** Leaves the page for the issuer's. Its errors are told to people. */
export async function leaveToSignIn(oidc) {
  // Without these, the way back could not be proved to be the reader's own.
  if (!isLasting()) throw new Error("Your browser stores nothing for this page. Allow it to, or sign in with a key.");
  if (!isSecureContext) throw new Error("Signing in with an account needs a page under https. Sign in with a key.");
  const [state, verifier] = [random(), random()];
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  remember(STORED, JSON.stringify({ state, verifier, back: location.hash }));
  const asked = new URLSearchParams({
    response_type: "code",
    client_id: oidc.client_id,
    redirect_uri: here(),
    scope: oidc.scope,
    state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  });
  location.assign(`${oidc.authorize_url}?${asked}`);
}

/** Back from the issuer's page: the code becomes a token. False if this is no such return. */
export async function finishSigningIn() {
  const answer = new URLSearchParams(location.search);
  if (!(answer.has("code") || answer.has("error"))) return false;
  const begun = JSON.parse(recall(STORED) ?? "null");
  drop(STORED);
  history.replaceState(null, "", location.pathname + (begun?.back ?? location.hash));
  if (answer.get("state") !== begun?.state) throw new Error("This sign-in was not begun here. Try again.");
  if (answer.has("error")) {
    throw new Error(answer.get("error_description") ?? `The issuer refused: ${answer.get("error")}.`);
  }
  keep(await tokenFor(answer.get("code"), begun.verifier));
  return true;
}

async function tokenFor(code, verifier) {
  let answer = null;
  try {
    const oidc = await issuer();
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      client_id: oidc.client_id,
      redirect_uri: here(),
      code,
      code_verifier: verifier,
    });
    const response = await fetch(oidc.token_url, { method: "POST", body });
    answer = response.ok ? await response.json() : {};
  } catch {
    throw new Error("The issuer cannot be reached. Check your connection and try again.");
  }
  if (!answer.access_token) throw new Error("The issuer gave no token. Try again.");
  return answer.access_token;
}
