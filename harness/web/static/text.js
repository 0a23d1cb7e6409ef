// The article's text: what is chosen in it by mouse or keyboard, and evidence marked without touching its characters.
// The page counts UTF-16 units, the server code points: `toPoints` and `toUnits` go between them.

import { $ } from "./dom.js";

let node = document.createTextNode("");
let tokens = [];
let lines = [];
let points = null;
let units = null;
let graphemes = null;
let chosen = null;
// The keyboard's own choice of words: `anchor` stays, `focus` moves; both are indices into `tokens`.
let anchor = -1;
let focus = -1;
let listener = () => {};

/** Shows a text; `changed` is called with the choice, {start, end, text} in UTF-16 units, or null. */
export function show(text, language, changed) {
  listener = changed;
  chosen = null;
  anchor = focus = -1;
  node = document.createTextNode(text);
  $("text").replaceChildren(node);
  $("text").lang = language;
  $("text").scrollTop = 0;
  const segment = (granularity) => [...new Intl.Segmenter(language, { granularity }).segment(text)];
  tokens = segment("word").filter((s) => s.isWordLike).map((s) => [s.index, s.index + s.segment.length]);
  lines = segment("sentence").map((s) => [s.index, s.index + s.segment.length]);
  graphemes = new Intl.Segmenter(language, { granularity: "grapheme" }).segment(text);
  points = units = null;
  if (/[\ud800-\udfff]/.test(text)) {
    points = new Uint32Array(text.length + 1);
    units = [];
    let point = 0;
    for (let unit = 0; unit < text.length; point++) {
      const size = text.codePointAt(unit) > 0xffff ? 2 : 1;
      units.push(unit);
      for (let i = 0; i < size; i++) points[unit++] = point;
    }
    points[text.length] = point;
    units.push(text.length);
  }
  paint();
}

export const toPoints = (unit) => (points ? points[unit] : unit);
export const toUnits = (point) => (units ? units[point] : point);
export const choice = () => chosen;

export function choose(start, end) {
  chosen = snapped(start, end);
  paint();
  listener(chosen);
}

export function unchoose() {
  chosen = null;
  getSelection().removeAllRanges();
  paint();
  listener(null);
}

/** Whole characters as a reader sees them, without white space at the ends; null if nothing is left. */
function snapped(start, end) {
  const text = node.data;
  while (start < end && /\s/u.test(text[start])) start++;
  while (end > start && /\s/u.test(text[end - 1])) end--;
  if (start >= end) return null;
  start = graphemes.containing(start).index;
  const last = graphemes.containing(end - 1);
  end = last.index + last.segment.length;
  return { start, end, text: text.slice(start, end) };
}

function range(start, end) {
  const part = new Range();
  part.setStart(node, Math.min(start, node.length));
  part.setEnd(node, Math.min(end, node.length));
  return part;
}

function mark(name, spans, priority) {
  if (!globalThis.Highlight) return;
  const highlight = new Highlight(...spans.map(([a, b]) => range(a, b)));
  highlight.priority = priority;
  CSS.highlights.set(name, highlight);
}

function paint() {
  mark("chosen", chosen ? [[chosen.start, chosen.end]] : [], 9);
}

/** Marks evidence (lists of code-point spans) of the pair, the speaker and others, and where a name stands. */
export function markEvidence(pair, speaker, others, names) {
  const spans = (list) => list.map((e) => [toUnits(e.start), toUnits(e.end)]);
  mark("others", spans(others), 1);
  mark("speaker", spans(speaker), 2);
  mark("evidence", spans(pair), 3);
  const nameSpans = [];
  for (const name of names.filter((n) => n.trim())) {
    const pattern = new RegExp(`(?<![\\p{L}\\p{N}])${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![\\p{L}\\p{N}])`, "gu");
    for (const match of node.data.matchAll(pattern)) nameSpans.push([match.index, match.index + name.length]);
  }
  mark("name", nameSpans, 4);
}

export function reveal(start, end) {
  const box = range(start, end).getBoundingClientRect();
  const frame = $("text").getBoundingClientRect();
  if (box.top < frame.top + 20) $("text").scrollTop += box.top - frame.top - 60;
  else if (box.bottom > frame.bottom - 20) $("text").scrollTop += box.bottom - frame.bottom + 60;
}

document.addEventListener("selectionchange", () => {
  const selection = getSelection();
  if (selection.isCollapsed || !selection.rangeCount) return;
  const current = selection.getRangeAt(0);
  if (current.startContainer !== node && current.endContainer !== node) return;
  const start = current.startContainer === node ? current.startOffset : 0;
  const end = current.endContainer === node ? current.endOffset : node.length;
  choose(start, end);
});

const lineOf = (unit) => lines.findIndex(([a, b]) => a <= unit && unit < b);
const tokensIn = ([a, b]) => {
  const first = tokens.findIndex(([s]) => s >= a);
  let last = first;
  while (last + 1 < tokens.length && tokens[last + 1][0] < b) last++;
  return first >= 0 && tokens[first][0] < b ? [first, last] : null;
};

function sentenceFrom(index, step) {
  for (let i = index; i >= 0 && i < lines.length; i += step) {
    const ends = tokensIn(lines[i]);
    if (ends) return ends;
  }
  return null;
}

export function keyInText(event) {
  if (!tokens.length || event.ctrlKey || event.metaKey || event.altKey) return false;
  const last = tokens.length - 1;
  const onward = getComputedStyle($("text")).direction === "rtl" ? -1 : 1;
  const step = { ArrowRight: onward, ArrowLeft: -onward, ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step && event.key !== "Home" && event.key !== "End") return false;
  if (chosen && (focus < 0 || !isMine())) {
    anchor = tokens.findIndex(([, b]) => b > chosen.start);
    focus = Math.max(anchor, tokens.findLastIndex(([a]) => a < chosen.end));
  }
  const from = focus;
  if (event.key === "Home") focus = 0;
  else if (event.key === "End") focus = last;
  else if (event.key === "ArrowRight" || event.key === "ArrowLeft") focus = Math.min(last, Math.max(0, from + step));
  else {
    const here = from < 0 ? -1 : lineOf(tokens[from][0]);
    const current = here < 0 ? null : tokensIn(lines[here]);
    const edge = current && (step > 0 ? from === current[1] : from === current[0]);
    const next = current && event.shiftKey && !edge ? current : sentenceFrom(here < 0 ? 0 : here + step, step);
    if (!next) return true;
    focus = step > 0 ? next[1] : next[0];
    if (!event.shiftKey) [anchor, focus] = next;
  }
  const vertical = event.key === "ArrowDown" || event.key === "ArrowUp";
  if (anchor < 0 || (!event.shiftKey && !vertical)) anchor = focus;
  getSelection().removeAllRanges();
  const [a, b] = [Math.min(anchor, focus), Math.max(anchor, focus)];
  choose(tokens[a][0], tokens[b][1]);
  reveal(...tokens[focus]);
  return true;
}

const isMine = () =>
  tokens[Math.min(anchor, focus)]?.[0] === chosen.start && tokens[Math.max(anchor, focus)]?.[1] === chosen.end;
