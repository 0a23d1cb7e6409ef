// The document that is edited, its history, and its way to the server; a refused save opens the merge view.

import { call, Refused, remember } from "./api.js";

export const store = {
  set: null,
  list: [],
  article: null,
  doc: null,
  pair: { speaker: null, target: null },
  status: "",
  trouble: false,
};

let past = [];
let future = [];
let savedDoc = "";
let timer = 0;
let saving = null;
let render = () => {};
let merge = () => {};
let merging = false;
let composing = false;
addEventListener("compositionstart", () => (composing = true));
addEventListener("compositionend", () => (composing = false));

export function connect(hooks) {
  render = hooks.render;
  merge = hooks.merge;
}

const text = (doc) => JSON.stringify(doc);
const unsavedKey = () => `unsaved:${store.set.annotator}:${store.set.mode}:${store.article.id}`;
export const unsaved = () => store.doc !== null && text(store.doc) !== savedDoc;
export const canUndo = () => past.length > 0;
export const canRedo = () => future.length > 0;

export async function open(articleId) {
  await flush();
  const state = await call("GET", `/api/articles/${encodeURIComponent(articleId)}`);
  store.article = state;
  remember(articleId);
  past = [];
  future = [];
  store.pair = { speaker: state.document.speakers[0]?.id ?? null, target: state.document.targets[0]?.id ?? null };
  take(state);
  const kept = sessionStorage.getItem(unsavedKey());
  if (kept) {
    const { document, base, version } = JSON.parse(kept);
    store.doc = document;
    if (version !== state.version) return startMerge({ base, mine: document, theirs: state.document, state });
    schedule();
  } else if (text(state.base) !== text(state.file)) {
    return startMerge({ base: state.base, mine: state.document, theirs: state.file, state });
  }
  render();
}

function take(state) {
  store.article = state;
  store.doc = state.document;
  savedDoc = text(state.document);
  report();
}

/** One step that undo takes back: `edit` gets a copy of the document to change. `quiet` leaves the panel as it is. */
export function change(edit, { quiet = false, step = true } = {}) {
  const before = text(store.doc);
  const next = JSON.parse(before);
  edit(next);
  if (text(next) === before) return;
  if (step) past.push({ doc: before, pair: { ...store.pair } });
  if (past.length > 500) past.shift();
  future = [];
  store.doc = next;
  schedule();
  if (!quiet) render();
}

/** Takes the document as it was before a run of quiet changes into the history. */
export function mark() {
  const now = text(store.doc);
  if (past.at(-1)?.doc !== now) past.push({ doc: now, pair: { ...store.pair } });
}

function travel(from, to) {
  while (from.length && from.at(-1).doc === text(store.doc)) from.pop();
  if (!from.length) return;
  const step = from.pop();
  to.push({ doc: text(store.doc), pair: { ...store.pair } });
  store.doc = JSON.parse(step.doc);
  store.pair = step.pair;
  schedule();
  render();
}
export const undo = () => travel(past, future);
export const redo = () => travel(future, past);

function schedule() {
  clearTimeout(timer);
  if (unsaved()) keep();
  // a save draws the panels anew, which would break off what an input method is composing
  timer = setTimeout(() => (composing ? schedule() : flush()), 600);
  report();
}

function keep() {
  const { version, document } = store.article;
  sessionStorage.setItem(unsavedKey(), JSON.stringify({ document: store.doc, base: document, version }));
}

/** Saves now what is unsaved; resolves when the server has it or has refused it. */
export async function flush() {
  clearTimeout(timer);
  while (saving) await saving;
  if (merging || !store.article || !unsaved()) return;
  saving = send({}).finally(() => (saving = null));
  await saving;
}

/** Saves even what has not been changed: `reopen` moves labels of others that stand in the way to their drafts. */
export async function saveAsIs({ reopen }) {
  await flush();
  saving = send({ reopen }).finally(() => (saving = null));
  await saving;
}

/** Whether the labels shown are only proposed, because the annotators agree on them. */
export const onlyProposed = () =>
  store.set.mode === "adjudicate" && !store.article.draft && !store.article.file.stances.length && store.doc.stances.length > 0;

async function send(extra) {
  const sent = text(store.doc);
  const { id, version, document } = store.article;
  report("Saving …");
  try {
    const state = await call("PUT", `/api/articles/${encodeURIComponent(id)}`, {
      version,
      document: store.doc,
      ...extra,
    });
    const newer = text(store.doc) !== sent ? store.doc : null;
    store.article = state;
    savedDoc = text(state.document);
    if (newer) schedule();
    else {
      store.doc = state.document;
      sessionStorage.removeItem(unsavedKey());
      report();
    }
    const entry = store.list.find((e) => e.id === id);
    if (entry) {
      const done = !state.draft && state.document.stances.length > 0;
      entry.state = done ? "done" : state.draft ? "draft" : "open";
      entry.labelled = state.document.stances.length;
      entry.pairs = state.document.speakers.length * state.document.targets.length;
    }
    store.trouble = false;
    render();
  } catch (error) {
    if (error instanceof Refused && error.status === 409) {
      keep();
      const { state } = error.body;
      startMerge({ base: document, mine: store.doc, theirs: state.document, state });
    } else {
      store.trouble = true;
      const why = error instanceof Refused ? error.message : "the server does not answer";
      report(`Not saved: ${why}`);
      if (!(error instanceof Refused)) timer = setTimeout(flush, 3000);
    }
  }
}

function startMerge(sides) {
  merging = true;
  report("Not saved: changed elsewhere");
  render();
  merge(sides, (merged) => {
    merging = false;
    const mine = text(sides.mine);
    store.article = sides.state;
    savedDoc = text(sides.state.document);
    store.doc = merged;
    past.push({ doc: mine, pair: { ...store.pair } });
    if (unsaved() || text(sides.state.base) !== text(sides.state.file)) {
      savedDoc = "";
      flush();
    } else {
      sessionStorage.removeItem(unsavedKey());
    }
    report();
    render();
  });
}

function report(words) {
  const { article } = store;
  const left = article ? article.problems.length : 0;
  if (words) store.status = words;
  else if (unsaved()) store.status = "Saving …";
  else if (onlyProposed()) store.status = `Agreed labels proposed, not saved · ${left} to do`;
  else if (!article.draft && !article.document.stances.length) store.status = `Nothing labelled yet · ${left} to do`;
  else store.status = article.draft ? `Draft saved · ${left} to do` : `Saved in ${article.id}.yaml`;
  globalThis.document.dispatchEvent(new CustomEvent("status"));
}

addEventListener("beforeunload", (event) => {
  if (unsaved() && store.trouble) event.preventDefault();
});
addEventListener("visibilitychange", () => {
  if (globalThis.document.visibilityState === "hidden" && store.set) flush();
});

// What the panels ask of the document.
export const labelOf = (doc, speaker, target) => doc.stances.find((s) => s.speaker === speaker && s.target === target);
export const speakerOf = (id) => store.doc.speakers.find((s) => s.id === id);
export const targetOf = (id) => store.doc.targets.find((t) => t.id === id);
export const pairs = () => store.doc.speakers.flatMap((s) => store.doc.targets.map((t) => [s.id, t.id]));
export const problemsOf = (speaker, target) =>
  store.article.problems.filter((p) => p.speaker === speaker && p.target === target);
export const isDifferent = (speaker, target) => store.article.differences.some(([s, t]) => s === speaker && t === target);
