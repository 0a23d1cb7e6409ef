// The left column: the articles of the set with how far they are, or the guidelines.

import { $, fill, h } from "./dom.js";
import { markdown } from "./markdown.js";
import { store } from "./state.js";

const MARKS = { done: "●", draft: "◐", open: "○", broken: "!" };
const WORDS = { done: "done", draft: "begun", open: "not begun", broken: "cannot be read" };

export function drawSide(shows, go) {
  $("side").hidden = shows === null;
  document.body.dataset.side = shows ?? "none";
  $("side-button").setAttribute("aria-expanded", String(shows === "articles"));
  $("guide-button").setAttribute("aria-expanded", String(shows === "guidelines"));
  if (shows === "guidelines") {
    $("side").setAttribute("aria-label", "Guidelines");
    if (!$("side").querySelector(".guidelines")) {
      const text = store.set.guidelines || "This set has no GUIDELINES.md.";
      $("side").scrollTop = 0;
      fill($("side"), h("div", { class: "guidelines", tabindex: "0", "data-key": "guidelines" }, markdown(text)));
    }
    return;
  }
  $("side").setAttribute("aria-label", "Articles");
  fill(
    $("side"),
    h(
      "ol",
      { class: "articles" },
      store.list.map((entry) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              "data-key": `article ${entry.id}`,
              "aria-current": store.article?.id === entry.id ? "true" : null,
              title: entry.error ?? entry.title,
              onclick: () => go(entry.id),
            },
            h("span", { class: `state ${entry.state}`, role: "img", "aria-label": WORDS[entry.state] }, MARKS[entry.state]),
            h("span", { class: "name" }, entry.id),
            h("span", { class: "soft" }, entry.differences ? `${entry.differences} differ` : entry.state === "draft" ? `${entry.labelled}/${entry.pairs}` : ""),
          ),
        ),
      ),
    ),
  );
  $("side").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}

export function drawProgress() {
  const done = store.list.filter((e) => e.state === "done").length;
  const all = store.list.length;
  $("bar").style.width = `${(100 * done) / Math.max(1, all)}%`;
  $("progress").setAttribute("aria-valuenow", String(done));
  $("progress").setAttribute("aria-valuemax", String(all));
  $("count").textContent = `${done} of ${all} done`;
}
