// Dialogs: a speaker, a target, the list of keys.

import { $, h, sentence } from "./dom.js";
import { change, speakerOf, store, targetOf } from "./state.js";

/** Opens the dialog; the returned function closes it. */
export function dialog(title, content, { kind = "", closed = () => {} } = {}) {
  const box = $("dialog");
  const back = document.activeElement;
  box.className = kind;
  box.setAttribute("aria-label", title);
  box.replaceChildren(h("h2", {}, title), ...[content].flat());
  box.onclose = () => {
    box.replaceChildren();
    closed();
    const key = back?.dataset?.key;
    const again = back?.isConnected ? back : key ? document.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
    again?.focus();
  };
  box.showModal();
  box.querySelector("[autofocus]")?.focus();
  return () => box.close();
}

function slug(name, taken) {
  const plain = name.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "x";
  let free = plain;
  for (let i = 2; taken.includes(free); i++) free = `${plain}-${i}`;
  return free;
}

const field = (words, control, note) => h("label", {}, h("span", {}, words), control, note ? h("small", {}, note) : null);
const options = (list, chosen) => list.map((o) => h("option", { value: o, selected: o === chosen }, sentence(o)));

function form(title, fields, { save, remove }) {
  let close = () => {};
  const wrong = h("p", { role: "alert", class: "wrong" });
  const element = h(
    "form",
    {
      method: "dialog",
      onsubmit: (e) => {
        e.preventDefault();
        wrong.textContent = save(new FormData(element)) ?? "";
        if (!wrong.textContent) close();
      },
    },
    fields,
    wrong,
    h(
      "p",
      { class: "right" },
      remove ? h("button", { type: "button", class: "quiet", onclick: () => { remove(); close(); } }, "Remove") : null,
      h("button", { type: "button", onclick: () => close() }, "Cancel"),
      h("button", { type: "submit", class: "strong" }, "Keep"),
    ),
  );
  close = dialog(title, element);
}

export function speakerForm(id, proposed) {
  const old = id ? speakerOf(id) : null;
  const s = old ?? { name: proposed ?? "", aliases: [], side: null, role: null, kind: "person", main: false };
  const sides = [...new Set(store.doc.speakers.map((x) => x.side).filter(Boolean))];
  form(old ? `Speaker ${s.name}` : "New speaker", [
    field("Name", h("input", { name: "name", required: true, value: s.name, autofocus: true, autocomplete: "off" })),
    field("Aliases", h("textarea", { name: "aliases", rows: 3, value: s.aliases.join("\n") }), "one a line, as the text has them"),
    field("Role", h("input", { name: "role", value: s.role ?? "", placeholder: "president of France", autocomplete: "off" })),
    field("Side", h("input", { name: "side", value: s.side ?? "", list: "sides", autocomplete: "off" })),
    h("datalist", { id: "sides" }, sides.map((x) => h("option", { value: x }))),
    field("Kind", h("select", { name: "kind" }, options(store.set.kinds, s.kind))),
    h("label", { class: "tick" }, h("input", { type: "checkbox", name: "main", checked: s.main }), "main: a summary must keep this speaker"),
  ], {
    save: (data) => {
      const name = data.get("name").trim();
      if (!name) return "A speaker needs a name.";
      const aliases = data.get("aliases").split("\n").map((x) => x.trim()).filter(Boolean);
      const row = {
        id: old?.id ?? slug(name, store.doc.speakers.map((x) => x.id)),
        name,
        aliases: [...new Set(aliases)],
        side: data.get("side").trim() || null,
        role: data.get("role").trim() || null,
        kind: data.get("kind"),
        main: data.get("main") !== null,
      };
      if (!old) store.pair = { speaker: row.id, target: store.pair.target ?? store.doc.targets[0]?.id ?? null };
      change((doc) => {
        const at = doc.speakers.findIndex((x) => x.id === row.id);
        if (at < 0) doc.speakers.push(row);
        else doc.speakers[at] = row;
      });
      return null;
    },
    remove: old && (() => drop("speakers", "speaker", old.id)),
  });
}

export function targetForm(id) {
  const old = id ? targetOf(id) : null;
  const t = old ?? { proposition: "", direction: "escalate", rung: 2, parent: null };
  const rungs = ["0 talk", "1 diplomatic step or sanction", "2 arms or posture", "3 conventional force", "4 weapons of mass destruction"];
  form(old ? `Target ${t.id}` : "New target", [
    field("Proposition", h("textarea", { name: "proposition", rows: 3, required: true, value: t.proposition, autofocus: true }), "an actor, an action and the party it is aimed at"),
    old ? null : field("Short name", h("input", { name: "id", pattern: "[a-z0-9][a-z0-9._\\-]*", maxlength: 60, placeholder: "long-range-strikes", autocomplete: "off" }), "lower-case letters, digits and -; left empty, it comes from the proposition"),
    field("Doing it would", h("select", { name: "direction" }, options(store.set.directions, t.direction))),
    field("Rung", h("select", { name: "rung" }, h("option", { value: "", selected: t.rung === null }, "—"), rungs.map((words, i) => h("option", { value: i, selected: t.rung === i }, words)))),
    field("Part of", h("select", { name: "parent" }, h("option", { value: "" }, "—"), options(store.doc.targets.map((x) => x.id).filter((x) => x !== t.id), t.parent))),
  ].filter(Boolean), {
    save: (data) => {
      const proposition = data.get("proposition").trim();
      if (!proposition) return "A target is a proposition.";
      const taken = store.doc.targets.map((x) => x.id);
      const wish = (data.get("id") ?? "").trim();
      if (!old && wish && taken.includes(wish)) return `There is already a target called ${wish}.`;
      const row = {
        id: old?.id ?? (wish || slug(proposition.split(/\s+/).slice(0, 4).join(" "), taken)),
        proposition,
        direction: data.get("direction"),
        rung: data.get("rung") === "" ? null : Number(data.get("rung")),
        parent: data.get("parent") || null,
        paraphrases: old?.paraphrases ?? [],
        negated: old?.negated ?? null,
      };
      if (!old) store.pair = { speaker: store.pair.speaker, target: row.id };
      change((doc) => {
        const at = doc.targets.findIndex((x) => x.id === row.id);
        if (at < 0) doc.targets.push(row);
        else doc.targets[at] = row;
      });
      return null;
    },
    remove: old && old.id !== "escalation" && (() => drop("targets", "target", old.id)),
  });
}

function drop(list, name, id) {
  const rest = store.doc[list].filter((x) => x.id !== id);
  if (store.pair[name] === id) store.pair = { ...store.pair, [name]: rest[0]?.id ?? null };
  change((doc) => {
    doc[list] = doc[list].filter((x) => x.id !== id);
    doc.stances = doc.stances.filter((s) => s[name] !== id);
    for (const target of doc.targets) if (list === "targets" && target.parent === id) target.parent = null;
  });
}

const HELP = [
  ["Label", [["1 … 6", "oppose … support, no stance"], ["O o n s S -", "the same: capitals for full strength"], ["e", "add the chosen passage as evidence"], ["Delete", "remove the label"], ["y", "confirm what the machine says"]]],
  ["Text", [["t", "to the text"], ["← →", "choose the word before, after"], ["↑ ↓", "choose the sentence before, after"], ["Shift + arrow", "extend the choice"], ["Esc", "choose nothing"]]],
  ["Move", [["m", "to the table; arrow keys move in it"], [". ,", "next, previous pair to do"], ["j k", "next, previous article"], ["w", "to the summary"], ["l g", "articles, guidelines"]]],
  ["Declare", [["a", "add a speaker, named as chosen"], ["A", "what is chosen is an alias of this speaker"], ["E", "edit this speaker"], ["p P", "add, edit a target"]]],
  ["Adjudicate", [["d D", "next, previous difference"], ["[ ]", "take the left, the right label"], ["r", "to the reason"]]],
  ["Always", [["Ctrl Z", "undo"], ["Ctrl Shift Z", "redo"], ["Ctrl S", "save now (each change is saved anyway)"], ["Esc", "leave a field"], ["?", "this list"]]],
];

export function helpDialog(keysOn, setKeys) {
  const adjudicating = store.set.mode === "adjudicate";
  const close = dialog("Keys", [
    h("div", { class: "keys" }, HELP.filter(([name]) => name !== "Adjudicate" || adjudicating).map(([name, rows]) =>
      h("section", {}, h("h3", {}, name), h("dl", {}, rows.map(([key, words]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, words)]))))),
    h("label", { class: "tick" }, h("input", { type: "checkbox", checked: keysOn, onchange: (e) => setKeys(e.target.checked) }), "single keys are on"),
    h("p", { class: "right" }, h("button", { type: "button", class: "strong", autofocus: true, onclick: () => close() }, "Close")),
  ], { kind: "broad" });
}
