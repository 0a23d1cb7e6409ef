// Small helpers: elements as function calls, re-rendering that keeps the focus, spoken notices.

export const $ = (id) => document.getElementById(id);

/** An element; `on*` keys are listeners, `null` and `false` attributes are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "selected") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

/** Replaces the children; the element of the same `data-key` gets the focus and the cursor back, and scroll stays. */
export function fill(container, ...children) {
  const active = document.activeElement;
  const key = container.contains(active) ? active.dataset.key : null;
  const cursor = key && "selectionStart" in active ? [active.selectionStart, active.selectionEnd] : null;
  const scrolled = [...container.querySelectorAll("[data-scroll]")].map((e) => [e.dataset.scroll, e.scrollLeft, e.scrollTop]);
  container.replaceChildren(...children.flat(Infinity).filter(Boolean));
  for (const [name, left, top] of scrolled) {
    const again = container.querySelector(`[data-scroll="${name}"]`);
    if (again) again.scrollTo(left, top);
  }
  if (!key) return;
  const again = container.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? container.querySelector("[tabindex='0'],button");
  again?.focus({ preventScroll: true });
  if (cursor && again && cursor[0] !== null && "setSelectionRange" in again) again.setSelectionRange(...cursor);
}

/** Says something to a screen reader. */
export function say(words) {
  $("live").textContent = words;
}

export const words = (text) => (text.trim() ? text.trim().split(/\s+/u).length : 0);

export const sentence = (name) => (name ? name.replaceAll("_", " ") : "");
