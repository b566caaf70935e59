// JSON whose decimals stay what they are: 1250.00 becomes "1250.00". Whole numbers stay numbers.

const STRING_OR_DECIMAL = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)/g;

export function parseExactly(text) {
  return JSON.parse(text.replace(STRING_OR_DECIMAL, (found) => (found[0] === '"' ? found : `"${found}"`)));
}
