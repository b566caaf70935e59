// Where the focus goes when what had it is gone.

import { useEffect, useRef } from "../vendor/view.js";

/** For what takes the place of a row's buttons once there are none: else the focus would begin at
 * the top of the page again. */
export function useFocusThatStays(hasButtons) {
  const place = useRef(null);
  const hadButtons = useRef(hasButtons);
  useEffect(() => {
    const isLost = document.activeElement === document.body;
    if (hadButtons.current && !hasButtons && isLost) place.current?.focus();
    hadButtons.current = hasButtons;
  }, [hasButtons]);
  return place;
}
