// One pair of speaker and target: its label, evidence and attributes, and what others said of it.

import { $, fill, h, sentence } from "./dom.js";
import { GLYPHS, KEYS, ORDER } from "./labels.js";
import { change, isDifferent, labelOf, mark, problemsOf, speakerOf, store, targetOf } from "./state.js";
import { choice, reveal, toPoints, toUnits, unchoose } from "./text.js";

const current = (doc) => labelOf(doc, store.pair.speaker, store.pair.target);

function blank(stance) {
  const { speaker, target } = store.pair;
  return {
    speaker, target, stance, act: null, modality: "actual", condition: null, basis: null,
    evidence: [], phenomena: [], confidence: null, note: null, reason: null,
  };
}

function takeChoice(label) {
  const chosen = choice();
  if (!chosen) return;
  const span = { start: toPoints(chosen.start), end: toPoints(chosen.end), text: chosen.text };
  if (!label.evidence.some((e) => e.start === span.start && e.end === span.end)) label.evidence.push(span);
  label.evidence.sort((a, b) => a.start - b.start || a.end - b.end);
}

/** Sets the current pair's label; what is chosen in the text becomes evidence. */
export function setLabel(stance) {
  if (!speakerOf(store.pair.speaker) || !targetOf(store.pair.target)) return "first add a speaker (a)";
  change((doc) => {
    let label = current(doc);
    if (!label) {
      label = blank(stance);
      doc.stances.push(label);
    }
    label.stance = stance;
    if (stance !== "neutral") label.basis = null;
    if (stance !== "no_stance") takeChoice(label);
  });
  if (stance !== "no_stance") unchoose();
  return `${speakerOf(store.pair.speaker).name} on ${store.pair.target}: ${sentence(stance)}`;
}

export function addEvidence() {
  if (!current(store.doc)) return "first choose a label, then add evidence";
  if (!choice()) return "choose a passage in the text first";
  change((doc) => takeChoice(current(doc)));
  unchoose();
  return "evidence added";
}

export function clearLabel() {
  const { speaker, target } = store.pair;
  change((doc) => (doc.stances = doc.stances.filter((s) => s.speaker !== speaker || s.target !== target)));
  return "label removed";
}

const proposalHere = () =>
  store.article.suggestions.find((s) => s.speaker === store.pair.speaker && s.target === store.pair.target);

export function confirmProposal() {
  const proposal = proposalHere();
  return proposal && !current(store.doc) ? setLabel(proposal.stance) : "nothing of a machine to confirm here";
}

/** Takes over the whole label of the n-th annotator for gold; the reason that was written stays. */
export function takeFrom(n) {
  const side = store.article.others[n];
  const theirs = side?.stances.find((s) => s.speaker === store.pair.speaker && s.target === store.pair.target);
  if (!theirs) return "no label to take";
  change((doc) => {
    const reason = current(doc)?.reason ?? null;
    doc.stances = doc.stances.filter((s) => s.speaker !== theirs.speaker || s.target !== theirs.target);
    doc.stances.push({ ...structuredClone(theirs), note: null, reason });
  });
  return `taken from ${side.annotator}: ${sentence(theirs.stance)}`;
}

let drawn = "";

export function drawPair() {
  const { pair, article, set } = store;
  const speaker = speakerOf(pair.speaker);
  const target = targetOf(pair.target);
  const label = current(store.doc);
  const faults = problemsOf(pair.speaker, pair.target);
  // drawing anew what has not changed would close a list that somebody has just opened
  const key = JSON.stringify([article.id, speaker, target, label, faults, article.others, article.suggestions]);
  if (key === drawn) return undefined;
  drawn = key;
  if (!speaker || !target) return fill($("pair"));
  const proposal = label ? null : proposalHere();
  const differs = isDifferent(pair.speaker, pair.target);
  const adjudicating = set.mode === "adjudicate";
  return fill(
    $("pair"),
    h("h2", { id: "pair-title" }, speaker.name, h("span", { class: "arrow" }, " on "), target.id),
    h(
      "p",
      { class: "proposition" },
      target.proposition,
      h("span", { class: "soft" }, ` ${sentence(target.direction)}${target.rung === null ? "" : ` · rung ${target.rung}`}`),
    ),
    h(
      "div",
      { class: "labels", role: "group", "aria-labelledby": "pair-title" },
      ORDER.map((name, i) =>
        h(
          "button",
          {
            type: "button",
            class: name,
            "data-key": `label ${name}`,
            "aria-pressed": String(label?.stance === name),
            "aria-keyshortcuts": `${i + 1} ${KEYS[name]}`,
            onclick: () => setLabel(name),
          },
          h("b", { "aria-hidden": "true" }, GLYPHS[name]),
          h("span", {}, sentence(name)),
          h("kbd", {}, `${i + 1} ${KEYS[name]}`),
        ),
      ),
    ),
    proposal
      ? h(
          "p",
          { class: "proposal" },
          `Machine (${proposal.system}) says: `,
          h("b", {}, sentence(proposal.stance)),
          ". Not saved until you confirm it. ",
          h("button", { type: "button", "data-key": "confirm", onclick: confirmProposal }, "Confirm ", h("kbd", {}, "y")),
        )
      : null,
    label && differs && adjudicating ? h("div", { class: "attributes" }, reason(label)) : null,
    adjudicating ? sides(differs) : null,
    label ? details(label) : null,
    adjudicating ? null : othersHere(),
  );
}

function line(label, name, words, hint) {
  return h(
    "label",
    { class: "wide" },
    h("span", {}, words),
    h("input", {
      type: "text",
      "data-key": name,
      value: label[name] ?? "",
      placeholder: hint,
      onfocus: mark,
      oninput: (e) => change((doc) => (current(doc)[name] = e.target.value || null), { quiet: true, step: false }),
    }),
  );
}

const reason = (label) => line(label, "reason", "Reason for gold", "why this label, where the annotators differ");

function details(label) {
  const { set, article } = store;
  const set_ = (name, value) => change((doc) => (current(doc)[name] = value));
  const faults = problemsOf(label.speaker, label.target).filter((p) => p.message !== "not labelled");
  const select = (name, options, words, empty) =>
    h(
      "label",
      {},
      h("span", {}, words),
      h(
        "select",
        { "data-key": name, onchange: (e) => set_(name, e.target.value || null) },
        empty ? h("option", { value: "" }, "—") : null,
        options.map((o) => h("option", { value: o, selected: label[name] === o }, sentence(o))),
      ),
    );
  return [
    label.stance === "no_stance" && !label.evidence.length ? null : evidence(label),
    faults.length ? h("ul", { class: "faults" }, faults.map((p) => h("li", {}, p.message))) : null,
    h(
      "div",
      { class: "attributes" },
      select("act", set.acts, "Act", true),
      select("modality", set.modalities, "Modality"),
      label.stance === "neutral" ? select("basis", set.bases, "Basis", true) : null,
      h(
        "label",
        {},
        h("span", {}, "Sure"),
        h(
          "select",
          { "data-key": "confidence", onchange: (e) => set_("confidence", Number(e.target.value) || null) },
          [["", "—"], [3, "3 sure"], [2, "2 fairly"], [1, "1 could be another"]].map(([value, words]) =>
            h("option", { value, selected: String(label.confidence ?? "") === String(value) }, words),
          ),
        ),
      ),
      label.modality === "conditional" || label.condition ? line(label, "condition", "Condition", "if …") : null,
      line(label, "note", "Note", "where the choice was not obvious"),
    ),
    h(
      "details",
      { class: "phenomena", open: article.showPhenomena, ontoggle: (e) => (article.showPhenomena = e.target.open) },
      h("summary", { "data-key": "phenomena" }, "Phenomena", label.phenomena.length ? `: ${label.phenomena.map(sentence).join(", ")}` : ""),
      h(
        "div",
        {},
        set.phenomena.map((name) =>
          h(
            "label",
            {},
            h("input", {
              type: "checkbox",
              "data-key": `tag ${name}`,
              checked: label.phenomena.includes(name),
              onchange: (e) =>
                set_("phenomena", set.phenomena.filter((p) => (p === name ? e.target.checked : label.phenomena.includes(p)))),
            }),
            sentence(name),
          ),
        ),
      ),
    ),
    h("p", { class: "right" }, h("button", { type: "button", class: "quiet", "data-key": "clear", onclick: clearLabel }, "Remove this label")),
  ];
}

function evidence(label) {
  return h(
    "ul",
    { class: "evidence", "aria-label": "Evidence" },
    label.evidence.map((span, i) =>
      h(
        "li",
        {},
        h("button", { type: "button", class: "quote", "data-key": `quote ${i}`, title: "Show in the text", onclick: () => reveal(toUnits(span.start), toUnits(span.end)) }, span.text),
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            "data-key": `drop ${i}`,
            "aria-label": `Remove evidence: ${span.text.slice(0, 60)}`,
            onclick: () => change((doc) => current(doc).evidence.splice(i, 1)),
          },
          "×",
        ),
      ),
    ),
    h("li", { class: "add" }, h("button", { type: "button", "data-key": "add-evidence", onclick: addEvidence }, "Add the chosen passage ", h("kbd", {}, "e"))),
  );
}

const stanceOf = (stances) => stances.find((s) => s.speaker === store.pair.speaker && s.target === store.pair.target);

function sides(differs) {
  const others = store.article.others;
  if (!others.length) return h("p", { class: "soft" }, "Nobody has labelled this article yet.");
  return h(
    "div",
    { class: `sides ${differs ? "differs" : ""}` },
    others.map((side, n) => {
      const theirs = stanceOf(side.stances);
      const extra = theirs && [theirs.act, theirs.modality === "actual" ? null : theirs.modality, theirs.condition, theirs.basis, ...theirs.phenomena];
      return h(
        "section",
        { "aria-label": `Label by ${side.annotator}` },
        h("h3", {}, side.annotator),
        theirs
          ? [
              h("p", {}, h("b", { class: `chip ${theirs.stance}` }, GLYPHS[theirs.stance]), ` ${sentence(theirs.stance)}`),
              theirs.evidence.map((e) =>
                h("button", { type: "button", class: "quote", "data-key": `side ${n} ${e.start}`, onclick: () => reveal(toUnits(e.start), toUnits(e.end)) }, e.text),
              ),
              extra.some(Boolean) ? h("p", { class: "soft" }, extra.filter(Boolean).map(sentence).join(" · ")) : null,
              theirs.note ? h("p", { class: "soft" }, theirs.note) : null,
              h("button", { type: "button", "data-key": `take ${n}`, onclick: () => takeFrom(n) }, "Take ", n < 2 ? h("kbd", {}, "[]"[n]) : null),
            ]
          : h("p", { class: "soft" }, "no label"),
      );
    }),
  );
}

function othersHere() {
  const rows = store.article.others.map((o) => [o.annotator, stanceOf(o.stances)]).filter(([, s]) => s);
  if (!rows.length) return null;
  return h(
    "details",
    { class: "others", open: store.showOthers, ontoggle: (e) => (store.showOthers = e.target.open) },
    h("summary", { "data-key": "others" }, "What others said of it"),
    h("ul", {}, rows.map(([name, s]) => h("li", {}, `${name}: `, h("b", { class: `chip ${s.stance}` }, GLYPHS[s.stance]), ` ${sentence(s.stance)}`))),
  );
}
