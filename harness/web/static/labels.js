// The six labels: their keys and how they look in the table.

export const GLYPHS = { oppose: "−2", lean_oppose: "−1", neutral: "0", lean_support: "+1", support: "+2", no_stance: "–" };
export const KEYS = { oppose: "O", lean_oppose: "o", neutral: "n", lean_support: "s", support: "S", no_stance: "-" };
export const ORDER = Object.keys(GLYPHS);

/** The label that a key stands for: 1 to 6, or a letter. */
export const labelFor = (key) =>
  /^[1-6]$/.test(key) ? ORDER[Number(key) - 1] : ORDER.find((name) => KEYS[name] === key) ?? null;
