// What to do when the article changed elsewhere: everything that differs, theirs beside mine, one choice each.

import { h, sentence } from "./dom.js";
import { dialog } from "./forms.js";

const LISTS = [
  ["targets", (x) => x.id, (x) => `${x.proposition} · ${sentence(x.direction)}${x.rung === null ? "" : ` · rung ${x.rung}`}${x.parent ? ` · part of ${x.parent}` : ""}`, "Target"],
  ["speakers", (x) => x.id, (x) => [x.name, x.aliases.join(", "), x.role, x.side, x.kind, x.main ? "main" : ""].filter(Boolean).join(" · "), "Speaker"],
  ["stances", (x) => `${x.speaker} on ${x.target}`, describe, "Label"],
];

function describe(s) {
  const extra = [s.act, s.modality === "actual" ? "" : s.modality, s.condition, s.basis, ...s.phenomena, s.confidence && `sure ${s.confidence}`, s.note, s.reason];
  return [sentence(s.stance), ...s.evidence.map((e) => `“${e.text}”`), ...extra.filter(Boolean)].join(" · ");
}

/** Every entry in which `mine` and `theirs` differ; `pick` is proposed where only one side changed it since `base`. */
export function differences({ base, mine, theirs }) {
  const rows = [];
  for (const [list, name, words, kind] of LISTS) {
    const maps = [base, mine, theirs].map((d) => new Map(d[list].map((x) => [name(x), x])));
    for (const key of new Set(maps.flatMap((m) => [...m.keys()]))) {
      const [b, m, t] = maps.map((map) => map.get(key));
      compare(rows, { list, key, kind, words }, b, m, t);
    }
  }
  compare(rows, { list: "summary", key: "", kind: "Summary", words: (x) => x || "(empty)" }, base.summary, mine.summary, theirs.summary);
  return rows;
}

function compare(rows, what, b, m, t) {
  const [base, mine, theirs] = [b, m, t].map((x) => JSON.stringify(x));
  if (mine === theirs) return;
  rows.push({ ...what, mine: m, theirs: t, pick: base === mine ? "theirs" : base === theirs ? "mine" : null });
}

/** `theirs`, with the entries of `mine` wherever that was picked; nothing else of either side is touched. */
export function merged({ mine, theirs }, picks) {
  const result = structuredClone(theirs);
  for (const { list, key, pick } of picks) {
    if (pick !== "mine") continue;
    if (list === "summary") {
      result.summary = mine.summary;
      continue;
    }
    const name = LISTS.find(([l]) => l === list)[1];
    const ours = mine[list].find((x) => name(x) === key);
    const at = result[list].findIndex((x) => name(x) === key);
    if (ours && at >= 0) result[list][at] = ours;
    else if (ours) result[list].push(ours);
    else if (at >= 0) result[list].splice(at, 1);
  }
  const known = (list, id) => result[list].some((x) => x.id === id);
  result.stances = result.stances.filter((s) => known("speakers", s.speaker) && known("targets", s.target));
  return result;
}

export function mergeView(sides, done) {
  const items = differences(sides);
  if (!items.length) return done(sides.theirs);
  const wrong = h("p", { role: "alert", class: "wrong" });
  let chosen = false;
  const choose = (pick) => {
    for (const item of items) item.pick = pick;
    for (const input of table.querySelectorAll(`input[value=${pick}]`)) input.checked = true;
  };
  const side = (item, i, pick) =>
    h("td", {}, h("label", {}, h("input", { type: "radio", name: `d${i}`, value: pick, checked: item.pick === pick, onchange: () => (item.pick = pick) }),
      h("span", {}, item[pick] === undefined ? "(not there)" : item.words(item[pick]))));
  const table = h("table", { class: "merge" },
    h("thead", {}, h("tr", {}, h("td", {}), h("th", { scope: "col" }, "Theirs, saved"), h("th", { scope: "col" }, "Mine, not saved yet"))),
    h("tbody", {}, items.map((item, i) =>
      h("tr", { class: item.pick ? "" : "both" }, h("th", { scope: "row" }, h("span", { class: "soft" }, item.kind), " ", item.key), side(item, i, "theirs"), side(item, i, "mine")))));
  const open = () => {
    const close = dialog("This article was changed elsewhere", [
      h("p", {}, "Another tab, another person or an editor saved it after you had opened it. Your changes are not lost: choose for each difference. Where only one side changed something, that side is chosen."),
      h("div", { class: "scroll" }, table),
      wrong,
      h("p", { class: "right" },
        h("button", { type: "button", onclick: () => choose("theirs") }, "All theirs"),
        h("button", { type: "button", onclick: () => choose("mine") }, "All mine"),
        h("button", { type: "button", class: "strong", autofocus: true, onclick: () => {
          if (items.some((x) => !x.pick)) {
            wrong.textContent = "Both sides changed the marked rows: choose one of each.";
            table.querySelector("tr.both input:not(:checked)")?.focus();
            return;
          }
          chosen = true;
          close();
          done(merged(sides, items));
        } }, "Keep what is chosen")),
    ], { kind: "broad", closed: () => chosen || setTimeout(open) });
  };
  return open();
}
