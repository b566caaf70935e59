// The page and its settings stand in the fragment of the URL: `#/provider?range=90d`.

import { useEffect, useState } from "../vendor/view.js";

const CHANGED = "tally:address";

/** Whether it hands over a session instead of naming a page. */
const isHandingOver = () => location.hash.startsWith("#session=");

/** `{page, query}` */
export function readAddress() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { page: path, query: Object.fromEntries(new URLSearchParams(query)) };
}

/** The link to a page. Empty values are left out. */
export function hrefTo(page, query = {}) {
  const set = Object.entries(query).filter(([, value]) => value);
  return `#/${page}${set.length ? `?${new URLSearchParams(set)}` : ""}`;
}

/** Change settings of this page, without a new entry in the history. */
export function adjust(changes) {
  const { page, query } = readAddress();
  history.replaceState(null, "", hrefTo(page, { ...query, ...changes }));
  dispatchEvent(new Event(CHANGED));
}

export function replaceAddress(page, query = {}) {
  history.replaceState(null, "", location.pathname + hrefTo(page, query));
  dispatchEvent(new Event(CHANGED));
}

export function useAddress() {
  const [address, setAddress] = useState(readAddress);
  useEffect(() => {
    const follow = () => isHandingOver() || setAddress(readAddress());
    addEventListener("hashchange", follow);
    addEventListener(CHANGED, follow);
    return () => {
      removeEventListener("hashchange", follow);
      removeEventListener(CHANGED, follow);
    };
  }, []);
  return address;
}
