// Puts the page together: panels, keys, and what happens when another article is opened.

import { call, wanted } from "./api.js";
import { $, fill, h, say } from "./dom.js";
import { dialog, helpDialog, speakerForm, targetForm } from "./forms.js";
import { drawGrid, nextPair } from "./grid.js";
import { labelFor } from "./labels.js";
import { mergeView } from "./merge.js";
import { addEvidence, clearLabel, confirmProposal, drawPair, setLabel, takeFrom } from "./pair.js";
import { drawProgress, drawSide, listed } from "./side.js";
import * as state from "./state.js";
import { drawSummary } from "./summary.js";
import * as text from "./text.js";

const { store } = state;
let side = innerWidth >= 1100 ? "articles" : null;
let keysOn = localStorage.getItem("keys") !== "off";
let shown = null;

const MODES = { label: "labels", blind: "labels blind", adjudicate: "adjudicates" };

function render() {
  const { article, set } = store;
  drawSide(side, open);
  drawProgress();
  $("who").textContent = `${set.annotator} ${MODES[set.mode]} · ${set.name}`;
  if (!article) return;
  if (shown !== article.id) {
    shown = article.id;
    text.show(article.text, article.language, showChoice);
    showChoice(null);
    document.title = `${article.title} – labelling`;
    $("title").textContent = article.title;
    const { source } = article;
    $("meta").textContent = [article.id, source.publisher, source.date, source.kind].filter(Boolean).join(" · ");
    $("panel").scrollTop = 0;
  }
  const here = store.pair;
  if (!state.speakerOf(here.speaker)) here.speaker = store.doc.speakers[0]?.id ?? null;
  if (!state.targetOf(here.target)) here.target = store.doc.targets[0]?.id ?? null;
  drawNotice();
  drawGrid(go, edit);
  drawPair();
  drawTodo();
  drawSummary();
  paint();
  $("undo").disabled = !state.canUndo();
  $("redo").disabled = !state.canRedo();
}

function paint() {
  const { doc, pair } = store;
  const lists = { pair: [], speaker: [], others: [] };
  for (const s of doc.stances) {
    const sameSpeaker = s.speaker === pair.speaker;
    lists[sameSpeaker && s.target === pair.target ? "pair" : sameSpeaker ? "speaker" : "others"].push(...s.evidence);
  }
  const speaker = state.speakerOf(pair.speaker);
  text.markEvidence(lists.pair, lists.speaker, lists.others, speaker ? [speaker.name, ...speaker.aliases] : []);
}

function showChoice(chosen) {
  fill($("chosen"), chosen ? [h("span", { class: "soft" }, "Chosen: "), chosen.text] : h("span", { class: "soft" }, "Choose a passage, then press a label's key."));
}

function drawNotice() {
  const { article } = store;
  const blocked = article.blocked ?? [];
  if (state.onlyProposed() && !article.problems.length) {
    return fill(
      $("notice"),
      h("p", {}, "The annotators agree on every stance."),
      h("button", { type: "button", "data-key": "save-agreed", onclick: () => state.saveAsIs({ reopen: false }) }, "Save what they agree on as gold"),
    );
  }
  if (!blocked.length) return fill($("notice"));
  const names = blocked.join(", ");
  const blind = store.set.mode === "blind";
  return fill(
    $("notice"),
    h("p", {}, blind
      ? "Your changes of speakers or targets stay in your draft: this article has labels that they would leave incomplete."
      : `Your changes of speakers or targets stay in your draft: they would leave the labels of ${names} incomplete.`),
    blind ? null : h("button", { type: "button", "data-key": "reopen", onclick: reopen }, `Reopen the labels of ${names} as drafts`),
  );
}

async function reopen() {
  await state.saveAsIs({ reopen: true });
  tell((store.article.blocked ?? []).length ? "finish your own labels first" : "reopened: their labels are drafts now");
}

function drawTodo() {
  const { problems } = store.article;
  const rest = problems.filter((p) => p.speaker).length;
  const declarationProblems = store.doc.speakers.length ? problems.filter((p) => !p.speaker) : [];
  fill(
    $("todo"),
    declarationProblems.map((p) => h("p", { class: "wrong" }, p.message)),
    rest
      ? h("button", { type: "button", "data-key": "next", onclick: () => step(1) }, `${rest} to do · next `, h("kbd", {}, "."))
      : problems.length
        ? null
        : h("p", { class: "good" }, "All pairs are labelled; nothing left to do."),
  );
}

function go(speaker, target, focus = false) {
  store.pair = { speaker, target };
  render();
  if (focus) document.querySelector(`[data-key="${CSS.escape(`cell ${speaker} ${target}`)}"]`)?.focus();
  const label = state.labelOf(store.doc, speaker, target);
  if (label?.evidence.length) text.reveal(text.toUnits(label.evidence[0].start), text.toUnits(label.evidence[0].end));
}

function jump(direction, test, nothing) {
  const next = nextPair(direction, test);
  if (!next) return tell(nothing);
  return go(...next, true);
}
const step = (direction) =>
  jump(direction, (s, t) => !state.labelOf(store.doc, s, t) || state.problemsOf(s, t).some((p) => p.message !== "not labelled"), "nothing left to do");

function edit(kind, id) {
  const chosen = text.choice();
  if (kind === "target") targetForm(id);
  else speakerForm(id, chosen?.text.replace(/\s+/g, " ").slice(0, 120));
}

function alias() {
  const chosen = text.choice();
  const speaker = state.speakerOf(store.pair.speaker);
  if (!chosen || !speaker) return "choose a name in the text, and a speaker";
  state.change((doc) => {
    const row = doc.speakers.find((s) => s.id === speaker.id);
    const name = chosen.text.replace(/\s+/g, " ");
    if (name !== row.name && !row.aliases.includes(name)) row.aliases.push(name);
  });
  text.unchoose();
  return `${chosen.text} is an alias of ${speaker.name}`;
}

function turn(direction) {
  const at = store.list.findIndex((e) => e.id === store.article?.id);
  for (let i = at + direction; i >= 0 && i < store.list.length; i += direction) {
    if (store.list[i].state !== "broken" && listed(store.list[i])) return open(store.list[i].id);
  }
  return tell(direction > 0 ? "this is the last article" : "this is the first article");
}

async function open(id) {
  try {
    await state.open(id);
    if (innerWidth < 1100 && side === "articles") toggle("articles");
  } catch (error) {
    dialog("This article cannot be opened", [h("p", { class: "raw" }, error.message), h("p", { class: "right" }, h("button", { type: "button", autofocus: true, onclick: () => $("dialog").close() }, "Close"))]);
  }
}

function toggle(which) {
  side = side === which ? (which === "guidelines" && innerWidth >= 1100 ? "articles" : null) : which;
  drawSide(side, open);
  if (side === which) ($("side").querySelector("[aria-current]") ?? $("side").querySelector("[tabindex],button"))?.focus();
}

matchMedia("(min-width: 1100px)").addEventListener("change", (wide) => {
  side = wide.matches ? side ?? "articles" : null;
  drawSide(side, open);
});

function tell(words) {
  if (!words) return;
  say(words);
  $("saved").dataset.note = words;
  clearTimeout(tell.timer);
  tell.timer = setTimeout(() => delete $("saved").dataset.note, 2500);
}

const focusOn = (selector) => document.querySelector(selector)?.focus();
const KEYS = {
  e: () => tell(addEvidence()),
  y: () => tell(confirmProposal()),
  Delete: () => tell(clearLabel()),
  t: () => $("text").focus(),
  m: () => focusOn("#grid [role=gridcell][tabindex='0']"),
  w: () => focusOn("#words"),
  ".": () => step(1),
  ",": () => step(-1),
  j: () => turn(1),
  k: () => turn(-1),
  l: () => toggle("articles"),
  g: () => toggle("guidelines"),
  a: () => edit("speaker"),
  A: () => tell(alias()),
  E: () => store.pair.speaker && edit("speaker", store.pair.speaker),
  p: () => edit("target"),
  P: () => store.pair.target && edit("target", store.pair.target),
  "?": () => help(),
  Escape: () => text.unchoose(),
};
const ADJUDICATING = {
  d: () => jump(1, state.isDifferent, "no differences"),
  D: () => jump(-1, state.isDifferent, "no differences"),
  "[": () => tell(takeFrom(0)),
  "]": () => tell(takeFrom(1)),
  r: () => focusOn("[data-key=reason]"),
};

function help() {
  helpDialog(keysOn, (on) => {
    keysOn = on;
    localStorage.setItem("keys", on ? "on" : "off");
  });
}

document.addEventListener("keydown", (event) => {
  if (!store.article || $("dialog").open) return;
  const field = event.target.closest("input:not([type=checkbox]), textarea, select");
  if (event.ctrlKey || event.metaKey) {
    const key = event.key.toLowerCase();
    if (key === "s") state.flush();
    else if (key === "z" && !field) (event.shiftKey ? state.redo : state.undo)();
    else if (key === "y" && !field) state.redo();
    else return;
    event.preventDefault();
    return;
  }
  if (field) {
    if (event.key === "Escape") (document.querySelector("#grid [role=gridcell][tabindex='0']") ?? $("text")).focus();
    return;
  }
  if (event.altKey) return;
  if (event.target === $("text") && text.keyInText(event)) return event.preventDefault();
  if (!keysOn && event.key !== "Escape" && event.key !== "?") return;
  const label = labelFor(event.key);
  const adjudicating = store.set.mode === "adjudicate" ? ADJUDICATING[event.key] : null;
  const action = label ? () => tell(setLabel(label)) : adjudicating ?? KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

document.addEventListener("status", () => {
  $("saved").textContent = store.status;
  $("saved").classList.toggle("wrong", store.status.startsWith("Not saved"));
  $("undo").disabled = !state.canUndo();
});
$("side-button").addEventListener("click", () => toggle("articles"));
$("guide-button").addEventListener("click", () => toggle("guidelines"));
$("help-button").addEventListener("click", help);
$("undo").addEventListener("click", state.undo);
$("redo").addEventListener("click", state.redo);
for (const link of document.querySelectorAll("[data-skip]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    KEYS[link.dataset.skip === "text" ? "t" : "m"]();
  });
}

state.connect({ render, merge: mergeView });
try {
  store.set = await call("GET", "/api/set");
  store.list = await call("GET", "/api/articles");
  const first = store.list.find((e) => e.id === wanted) ?? store.list.find((e) => e.state === "draft" || (e.state === "open" && !e.gold)) ?? store.list[0];
  render();
  await open(first.id);
  document.documentElement.dataset.ready = "yes";
} catch (error) {
  $("saved").textContent = error.message;
  $("saved").classList.add("wrong");
}
