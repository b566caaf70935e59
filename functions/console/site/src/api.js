// The API: requests with the session's token, answers with exact decimals, errors as ApiError.

import { parseExactly } from "./exact.js";

/** The API's address: the console is served below it, whatever stands before both. */
const ROOT = new URL("../../../", import.meta.url);
const MOST_WAITS = 3;
const LONGEST_WAIT_S = 60;
const MOST_PAGES = 200;

let token = null;
let whenRefused = () => {};
let tellWait = () => {};

/** `refused` is called when the API does not take the token any more. */
export function useToken(newToken, refused = () => {}) {
  [token, whenRefused] = [newToken, refused];
}

/**
 * Starts `load`. `tell` is called with a sentence when a request with which it begins has to wait,
 * and with null when the wait is over.
 */
export function tellingWaits(tell, load) {
  tellWait = tell;
  try {
    return load();
  } finally {
    tellWait = () => {};
  }
}

export class ApiError extends Error {
  constructor(message, { status = 0, requestId = null } = {}) {
    super(message);
    Object.assign(this, { status, requestId });
  }
}

/** GET; `query` without its empty values. The answer without its envelope. */
export const read = (path, query = {}) => call("GET", path, { query });

/** Any method, with a body. `credential` instead of the session's token. */
export async function call(method, path, { query = {}, body, credential } = {}) {
  const response = await request(method, path, { query, body, credential });
  const text = await textOf(response);
  const answer = text ? parseExactly(text) : null;
  return path.startsWith("v1/") ? answer?.data : answer;
}

/** A list in CSV, all of its pages, with one line of names. */
export async function readCsv(path, query = {}) {
  let [text, next] = ["", urlOf(path, query)];
  for (let page = 0; next && page < MOST_PAGES; page += 1) {
    const response = await requestUrl("GET", next, { accept: "text/csv" });
    const lines = await textOf(response);
    text += text ? lines.slice(lines.indexOf("\n") + 1) : lines;
    next = linkedNext(response);
  }
  if (next) throw new ApiError("The list is too long for one file. Ask the API for it, page by page.");
  return text;
}

const request = (method, path, { query, ...options }) =>
  requestUrl(method, urlOf(path, query), options);

async function requestUrl(method, url, { body, credential, accept = "application/json" }) {
  const [used, tell] = [credential ?? token, tellWait];
  const isCurrent = () => used === token || used === credential;
  const headers = { Accept: accept, ...(used && { Authorization: `Bearer ${used}` }) };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  for (let waits = 0; ; waits += 1) {
    const response = await sent(url, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
    if (response.ok) return response;
    const waitS = Number(response.headers.get("Retry-After"));
    const isBusy = response.status === 429 || response.status === 503;
    if (isBusy && waitS && waitS <= LONGEST_WAIT_S && waits < MOST_WAITS) {
      const why = response.status === 429 ? "Too many requests" : "The service is busy";
      tell(`${why}; trying again in ${waitS} ${waitS === 1 ? "second" : "seconds"}.`);
      await new Promise((done) => setTimeout(done, waitS * 1000));
      tell(null);
      if (isCurrent()) continue;
    }
    const error = await errorOf(response);
    // A late answer says nothing of the session that came after its own.
    if (error.status === 401 && used === token) whenRefused();
    throw error;
  }
}

const sent = (url, options) => reached(fetch(url, options));

const textOf = (response) => reached(response.text());

/** What comes over the network, or an error for people in place of the browser's own. */
async function reached(promise) {
  try {
    return await promise;
  } catch {
    throw new ApiError("The service cannot be reached. Check your connection and try again.");
  }
}

async function errorOf(response) {
  const text = await textOf(response);
  let answer = {};
  try {
    answer = JSON.parse(text);
  } catch {
    // Not the API's own answer: its status says enough.
  }
  const error = answer.error ?? answer;
  return new ApiError(error.message ?? `The service answered with status ${response.status}.`, {
    status: response.status,
    requestId: answer.request_id ?? response.headers.get("X-Request-Id"),
  });
}

function urlOf(path, query) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  return url;
}

/** Where the next page is (RFC 8288): its query alone, because a stage may stand before the path. */
function linkedNext(response) {
  const link = /<([^>]*)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "");
  if (!link) return null;
  const next = new URL(response.url);
  next.search = new URL(link[1], response.url).search;
  return next;
}
