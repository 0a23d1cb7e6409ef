// Labels of summaries: one summary, one speaker, one proposition, six labels; every choice is saved at once.

import { call, Refused, remember, wanted } from "./api.js";
import { $, fill, h, say, sentence } from "./dom.js";
import { GLYPHS, KEYS, labelFor } from "./labels.js";
import { markdown } from "./markdown.js";

const MARKS = { done: "●", draft: "◐", open: "○" };
const WORDS = { done: "done", draft: "begun", open: "not begun" };
let set;
let list = [];
let shown = null;
let place = 0;
let guide = false;
let saving = Promise.resolve();

function status(words, wrong = false) {
  $("saved").textContent = words;
  $("saved").className = wrong ? "wrong" : "";
  if (wrong) say(words);
}

function drawSide() {
  document.body.dataset.side = guide ? "guidelines" : "articles";
  $("guide-button").setAttribute("aria-expanded", String(guide));
  $("side").setAttribute("aria-label", guide ? "Guidelines" : "Summaries");
  if (guide) {
    fill($("side"), h("div", { class: "guidelines", tabindex: "0", "data-key": "guidelines" }, markdown(set.guidelines || "This set has no GUIDELINES.md.")));
  } else {
    fill($("side"), h("ol", { class: "articles" }, list.map(entryButton)));
    $("side").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }
  const done = list.filter((e) => e.state === "done").length;
  $("bar").style.width = `${(100 * done) / Math.max(1, list.length)}%`;
  $("progress").setAttribute("aria-valuenow", String(done));
  $("progress").setAttribute("aria-valuemax", String(list.length));
  $("count").textContent = `${done} of ${list.length} done`;
}

function entryButton(entry) {
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", "data-key": `summary ${entry.id}`, "aria-current": shown?.id === entry.id ? "true" : null, onclick: () => open(entry.id) },
      h("span", { class: `state ${entry.state}`, role: "img", "aria-label": WORDS[entry.state] }, MARKS[entry.state]),
      h("span", { class: "name" }, entry.id.replace("/", " ")),
      h("span", { class: "soft" }, `${entry.labelled}/${entry.pairs}`),
    ),
  );
}

/** The summary with the ways in which the speaker is named marked. */
function marked(text, names) {
  const known = names.filter(Boolean).sort((a, b) => b.length - a.length);
  if (!known.length) return [text];
  const pattern = new RegExp(`(${known.map((n) => n.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "u");
  return text.split(pattern).map((part, i) => (i % 2 ? h("mark", {}, part) : part));
}

function render() {
  drawSide();
  $("who").textContent = `${set.annotator} labels summaries${set.second ? ", second and blind" : ""} · ${set.name}`;
  if (!shown) return;
  const pair = shown.pairs[place];
  const speaker = shown.speakers.find((s) => s.id === pair.speaker);
  const target = shown.targets.find((t) => t.id === pair.target);
  $("meta").textContent = shown.id.replace("/", " · ");
  $("text").lang = shown.language;
  fill($("text"), h("p", {}, marked(shown.text, [speaker.name, ...speaker.aliases])));
  fill(
    $("pair"),
    h("h2", {}, speaker.name, h("span", { class: "soft" }, ` ${[speaker.role, speaker.side].filter(Boolean).join(", ")}`)),
    h("p", { class: "proposition" }, target.proposition),
    h("div", { class: "labels", role: "group", "aria-label": "Stance" }, set.labels.map((label, i) => labelButton(label.name, i, pair))),
    pair.stance ? h("button", { type: "button", class: "quiet", "data-key": "clear", onclick: () => choose(null) }, "Clear ", h("kbd", {}, "Backspace")) : null,
  );
  const open_ = shown.pairs.filter((p) => !p.stance).length;
  fill(
    $("todo"),
    open_
      ? h("button", { type: "button", "data-key": "next", onclick: next }, `${open_} to do here · next `, h("kbd", {}, "."))
      : h("p", { class: "good" }, "This summary is done. ", h("kbd", {}, "j"), " opens the next."),
  );
  fill(
    $("pairs"),
    h("ol", { class: "triples" }, shown.pairs.map((p, i) =>
      h("li", {}, h("button", { type: "button", "data-key": `pair ${i}`, "aria-current": i === place ? "true" : null, onclick: () => go(i) },
        h("span", { class: `chip ${p.stance ?? ""}` }, p.stance ? GLYPHS[p.stance] : "·"), ` ${shown.speakers.find((s) => s.id === p.speaker).name} · ${p.target}`)))),
  );
}

function labelButton(name, i, pair) {
  return h(
    "button",
    { type: "button", class: name, "data-key": `label ${name}`, "aria-pressed": String(pair.stance === name), onclick: () => choose(name) },
    h("b", {}, GLYPHS[name]),
    sentence(name),
    h("kbd", {}, `${i + 1} ${KEYS[name]}`),
  );
}

function go(i) {
  place = i;
  render();
}

function next() {
  const after = shown.pairs.findIndex((p, i) => i > place && !p.stance);
  const first = shown.pairs.findIndex((p) => !p.stance);
  if (after >= 0 || first >= 0) return go(after >= 0 ? after : first);
  return step(1, (e) => e.state !== "done");
}

function step(direction, test = () => true) {
  const here = list.findIndex((e) => e.id === shown?.id);
  const order = list.map((_, i) => list[(here + direction * (i + 1) + 2 * list.length) % list.length]);
  const entry = order.find((e) => e.id !== shown?.id && test(e));
  return entry ? open(entry.id) : status("all summaries are done");
}

function choose(stance) {
  const { id } = shown;
  const pair = shown.pairs[place];
  const before = pair.stance;
  if (before === stance) return;
  pair.stance = stance;
  status("saving");
  // one after the other, in the order in which they were chosen
  saving = saving.then(() => save(id, pair, before, stance));
  if (stance && shown.pairs.some((p) => !p.stance)) next();
  else render();
}

async function save(id, pair, before, stance) {
  try {
    await call("PUT", `/api/summaries/${id}`, { speaker: pair.speaker, target: pair.target, stance, before });
    list = await call("GET", "/api/summaries");
    status("saved");
    drawSide();
  } catch (error) {
    pair.stance = error instanceof Refused && error.body.state
      ? error.body.state.pairs.find((p) => p.speaker === pair.speaker && p.target === pair.target).stance
      : before;
    status(`not saved: ${error.message}`, true);
    render();
  }
}

async function open(id) {
  await saving;
  shown = await call("GET", `/api/summaries/${id}`);
  remember(id);
  place = Math.max(0, shown.pairs.findIndex((p) => !p.stance));
  render();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !shown) return;
  const label = labelFor(event.key);
  const acts = { ".": next, j: () => step(1), k: () => step(-1), Backspace: () => choose(null), g: toggleGuide };
  const act = label ? () => choose(label) : acts[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

function toggleGuide() {
  guide = !guide;
  drawSide();
}

async function start() {
  set = await call("GET", "/api/set");
  list = await call("GET", "/api/summaries");
  $("guide-button").addEventListener("click", toggleGuide);
  document.addEventListener("keydown", onKey);
  const first = list.find((e) => e.id === wanted) ?? list.find((e) => e.state !== "done") ?? list[0];
  await open(first.id);
  document.documentElement.dataset.ready = "";
}

start().catch((error) => status(error.message, true));
