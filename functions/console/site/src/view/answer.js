// A block's answer: loading, there, or failed with a reason and a way to try again.

import { useEffect, useState } from "../../vendor/view.js";
import { tellingWaits } from "../api.js";

/**
 * `load` is called again when one of `needs` changes; while it is, the answer before stays.
 * `readFor`: the needs of the data that is shown, which then are not those of now.
 * `wait`: a sentence, while the API has asked to wait.
 */
export function useAnswer(load, needs = []) {
  const [answer, setAnswer] = useState({ data: null, readFor: null, error: null, isLoading: true });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let isWanted = true;
    const tell = (wait) => isWanted && setAnswer((before) => ({ ...before, wait }));
    setAnswer((before) => ({ ...before, error: null, wait: null, isLoading: true }));
    tellingWaits(tell, load).then(
      (data) => isWanted && setAnswer({ data, readFor: needs, error: null, isLoading: false }),
      (error) => isWanted && setAnswer({ data: null, readFor: null, error, isLoading: false }),
    );
    return () => {
      isWanted = false;
    };
  }, [...needs, tries]);
  return { ...answer, again: () => setTries((before) => before + 1) };
}

const NOT_GROWN = { after: null, pages: [], isLoading: false, error: null };

/** A list that grows by "show more": `loadPage(cursor)` gives `{rows, next, total}`. */
export function useList(loadPage, needs = []) {
  const first = useAnswer(() => loadPage(null), needs);
  const [grown, setGrown] = useState(NOT_GROWN);
  // What came after another first page belongs to another list.
  const { pages, isLoading, error } = grown.after === first.data ? grown : NOT_GROWN;
  const last = pages.at(-1) ?? first.data;

  async function showMore() {
    setGrown({ after: first.data, pages, isLoading: true, error: null });
    try {
      const page = await loadPage(last.next);
      setGrown({ after: first.data, pages: [...pages, page], isLoading: false, error: null });
    } catch (error) {
      setGrown({ after: first.data, pages, isLoading: false, error });
    }
  }

  const rows = first.data ? [first.data, ...pages].flatMap((page) => page.rows) : [];
  return {
    ...first,
    rows,
    total: last?.total ?? 0,
    more: last?.next ? { show: showMore, isLoading, error } : null,
  };
}
