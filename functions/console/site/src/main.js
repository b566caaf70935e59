// The console: who is signed in, and the page that the address names.

import { html, render, useEffect, useRef, useState } from "../vendor/view.js";
import { replaceAddress, useAddress } from "./address.js";
import { tellingWaits, useToken } from "./api.js";
import { rangeOf } from "./dates.js";
import { finishSigningIn } from "./oidc.js";
import { adoptFromAddress, forget, isOperator, keptToken, mayDo, sessionOf } from "./session.js";
import { useAnswer } from "./view/answer.js";
import { Answered, Failure, Skeleton } from "./view/block.js";
import { Frame } from "./view/frame.js";
import { SignIn } from "./view/signin.js";

const PAGES = [
  { name: "provider", title: "Provider", load: () => import("./provider/page.js"), hasPeriod: true, isFor: seesNumbers },
  { name: "buyer", title: "Buyer", load: () => import("./buyer/page.js"), hasPeriod: true, isFor: (session) => seesNumbers(session) || mayDo(session, "keys:write") },
  { name: "partner", title: "Partner", load: () => import("./partner/page.js"), hasPeriod: true, isFor: seesNumbers },
  { name: "operator", title: "Operator", load: () => import("./operator/page.js"), isFor: isOperator },
];

function seesNumbers(session) {
  return mayDo(session, "usage:read") || mayDo(session, "billing:read");
}

function App({ begun }) {
  const [state, setState] = useState({ isLoading: true });
  const address = useAddress();
  const starts = useRef(0);

  async function start(isFresh = false) {
    starts.current += 1;
    const number = starts.current;
    // A start that was overtaken by the next one has nothing to say any more.
    const isLatest = () => number === starts.current;
    const end = () => {
      if (!isLatest()) return;
      forget();
      setState({ number, why: "Your session has ended. Sign in again to go on." });
    };
    const tell = (wait) => isLatest() && setState((before) => ({ ...before, wait }));
    const token = keptToken();
    if (state.failed) setState({ isLoading: true });
    try {
      const session = token && (await tellingWaits(tell, () => sessionOf(token)));
      if (!isLatest()) return;
      // What was shown until now belongs to the session before, and so do its requests.
      useToken(token, end);
      setState({ number, session, isFresh, error: begun.error });
    } catch (error) {
      if (!isLatest()) return;
      if (error.status === 401) end();
      else setState({ number, failed: error });
    }
  }

  function signOut() {
    starts.current += 1;
    forget();
    setState({ number: starts.current, why: "You are signed out." });
  }

  useEffect(() => {
    start();
    // The page around this one may hand over the next session before this one ends.
    const onHash = () => adoptFromAddress() && start();
    addEventListener("hashchange", onHash);
    return () => removeEventListener("hashchange", onHash);
  }, []);

  if (state.isLoading) return html`<${Starting} wait=${state.wait} />`;
  if (state.failed) return html`<main><${Failure} error=${state.failed} again=${() => start(true)} /></main>`;
  if (!state.session) {
    return html`<${SignIn} key=${state.number} why=${state.why} error=${state.error} done=${() => start(true)} />`;
  }
  // A session that only renews the one before keeps the page as it is; of any other, nothing stays.
  const { tenant_id: tenantId, scopes } = state.session;
  return html`<${SignedIn} key="${tenantId} ${scopes}" session=${state.session} address=${address} isFresh=${state.isFresh} signOut=${signOut} />`;
}

/** As page.html has it, so that nothing jumps. */
const Starting = ({ wait }) => html`
  <main aria-busy="true"><div class="page-head"><h1>Tally</h1></div><${Skeleton} lines=${9} wait=${wait} /></main>
`;

const NOT_LOADED = { message: "This page of the console could not be loaded. Check your connection and try again." };

/** A page, whose modules are fetched when it is opened first. */
function Loaded({ load, ...shown }) {
  const module = useAnswer(load);
  // A browser does not ask again for a module that it could not get, until the page is loaded anew.
  if (module.error) return html`<${Failure} error=${NOT_LOADED} again=${() => location.reload()} />`;
  return html`
    <${Answered} answer=${module} lines=${9}>
      ${({ Page }) => html`<${Page} ...${shown} />`}
    <//>
  `;
}

/** `isFresh`: the reader has just signed in here. The focus follows them to each page. */
function SignedIn({ session, address, isFresh, signOut }) {
  const isLater = useRef(isFresh);
  const pages = PAGES.filter((page) => page.isFor(session));
  const usual = isOperator(session) ? "operator" : pages[0]?.name;
  const page = pages.find((each) => each.name === address.page) ?? pages.find((each) => each.name === usual);
  useEffect(() => {
    if (page && address.page !== page.name) replaceAddress(page.name, address.query);
    document.title = page ? `${page.title} · ${session.display_name} · Tally` : "Tally";
    if (isLater.current) document.getElementById("main")?.focus();
    isLater.current = true;
  }, [page?.name]);
  if (!page) {
    return html`<main class="sign-in"><h1>Nothing to show</h1><p>This session has none of the scopes that the console needs.</p>
      <button type="button" onClick=${signOut}>Sign out</button></main>`;
  }
  return html`
    <${Frame} session=${session} pages=${pages} page=${page} query=${address.query} signOut=${signOut}>
      <${Loaded} key=${page.name} load=${page.load} session=${session} range=${rangeOf(address.query)} />
    <//>
  `;
}

const begun = { error: null };
try {
  adoptFromAddress() || (await finishSigningIn());
} catch (error) {
  begun.error = error;
}
render(html`<${App} begun=${begun} />`, document.getElementById("console"));
