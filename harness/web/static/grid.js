// The table of speakers and targets, one cell a label; arrow keys move in it.

import { $, fill, h, sentence } from "./dom.js";
import { GLYPHS } from "./labels.js";
import { isDifferent, labelOf, pairs, problemsOf, store } from "./state.js";

export function drawGrid(go, edit) {
  const { doc, article, pair } = store;
  const proposals = new Map(article.suggestions.map((s) => [`${s.speaker} ${s.target}`, s]));
  const cell = (speaker, target) => {
    const label = labelOf(doc, speaker.id, target.id);
    const proposal = label ? null : proposals.get(`${speaker.id} ${target.id}`);
    const faults = label ? problemsOf(speaker.id, target.id).filter((p) => p.message !== "not labelled") : [];
    const differs = isDifferent(speaker.id, target.id);
    const here = pair.speaker === speaker.id && pair.target === target.id;
    const stanceWords = label
      ? `${sentence(label.stance)}, ${label.evidence.length} evidence${faults.length ? `, ${faults[0].message}` : ""}`
      : proposal
        ? `not labelled, machine says ${sentence(proposal.stance)}`
        : "not labelled";
    return h(
      "td",
      {
        role: "gridcell",
        tabindex: here ? "0" : "-1",
        "aria-selected": String(here),
        "aria-label": `${speaker.name} on ${target.id}: ${stanceWords}${differs ? ", annotators differ" : ""}`,
        "data-key": `cell ${speaker.id} ${target.id}`,
        class: [
          label ? label.stance : proposal ? `machine ${proposal.stance}` : "empty",
          faults.length ? "faulty" : "",
          differs ? "differs" : "",
        ].join(" "),
        onclick: () => go(speaker.id, target.id, true),
        onfocus: () => here || go(speaker.id, target.id, true),
      },
      label ? GLYPHS[label.stance] : proposal ? GLYPHS[proposal.stance] : "·",
    );
  };
  const head = h(
    "tr",
    { role: "row" },
    h("td", {}),
    doc.targets.map((t) =>
      h(
        "th",
        { scope: "col", role: "columnheader", class: t.id === pair.target ? "here" : "" },
        h("button", { type: "button", tabindex: "-1", title: t.proposition, onclick: () => edit("target", t.id) }, t.id),
      ),
    ),
  );
  const body = doc.speakers.map((s) =>
    h(
      "tr",
      { role: "row" },
      h(
        "th",
        { scope: "row", role: "rowheader", class: s.id === pair.speaker ? "here" : "" },
        h(
          "button",
          { type: "button", tabindex: "-1", title: describe(s), onclick: () => edit("speaker", s.id) },
          s.main ? h("span", { class: "main", "aria-label": "main speaker" }, "★ ") : null,
          s.name,
        ),
      ),
      doc.targets.map((t) => cell(s, t)),
    ),
  );
  const done = doc.stances.filter((s) => doc.speakers.some((x) => x.id === s.speaker)).length;
  fill(
    $("grid"),
    h(
      "div",
      { class: "bar" },
      h("h2", {}, "Labels"),
      h("span", { class: "soft" }, `${done} of ${doc.speakers.length * doc.targets.length}`),
      h("button", { type: "button", "data-key": "add-speaker", onclick: () => edit("speaker") }, "Speaker ", h("kbd", {}, "a")),
      h("button", { type: "button", "data-key": "add-target", onclick: () => edit("target") }, "Target ", h("kbd", {}, "p")),
    ),
    doc.speakers.length
      ? h(
          "div",
          { class: "scroll", "data-scroll": "grid" },
          h("table", { role: "grid", "aria-label": "Speakers and targets", onkeydown: (e) => keyInGrid(e, go) }, head, body),
        )
      : h(
          "p",
          { class: "soft" },
          "No speaker yet: choose a name in the text and press ",
          h("kbd", {}, "a"),
          ". Then choose a passage and press a label's key.",
        ),
  );
}

function describe(s) {
  return [s.role, s.side, s.kind, s.aliases.length ? `also: ${s.aliases.join(", ")}` : ""].filter(Boolean).join(" · ");
}

function keyInGrid(event, go) {
  const { doc, pair } = store;
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  const clamp = (n, list) => Math.max(0, Math.min(list.length - 1, n));
  const row = clamp(doc.speakers.findIndex((s) => s.id === pair.speaker) + step[0], doc.speakers);
  const column = clamp(doc.targets.findIndex((t) => t.id === pair.target) + step[1], doc.targets);
  go(doc.speakers[row].id, doc.targets[column].id, true);
}

/** The next pair after the current one (`step` 1) or before it (−1) for which `test` holds; null if there is none. */
export function nextPair(step, test) {
  const all = pairs();
  const here = all.findIndex(([s, t]) => s === store.pair.speaker && t === store.pair.target);
  for (let i = 1; i <= all.length; i++) {
    const [s, t] = all[(((here + step * i) % all.length) + all.length) % all.length];
    if (test(s, t)) return [s, t];
  }
  return null;
}
