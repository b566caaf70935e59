// What this tab remembers. Where a browser blocks its storage, as in some frames, it is remembered
// until the page is left.

const memory = new Map();

function storage() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

/** Whether it survives that the page is left. */
export const isLasting = () => storage() !== null;

export const recall = (name) => (storage() ? storage().getItem(name) : (memory.get(name) ?? null));

export const remember = (name, text) =>
  storage() ? storage().setItem(name, text) : memory.set(name, text);

export const drop = (name) => (storage() ? storage().removeItem(name) : memory.delete(name));
