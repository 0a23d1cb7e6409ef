// The left column: the articles of the set with how far they are, or the guidelines.

import { $, fill, h } from "./dom.js";
import { markdown } from "./markdown.js";
import { store } from "./state.js";

const MARKS = { done: "●", draft: "◐", open: "○", adjudicated: "◆", broken: "!" };
const WORDS = { done: "done", draft: "begun", open: "not begun", adjudicated: "adjudicated", broken: "cannot be read" };

const FILTERS = {
  all: ["all articles", () => true],
  mine: ["mine: begun or done", (e) => e.state === "done" || e.state === "draft"],
  unlabelled: ["unlabelled", (e) => e.state === "open" && !e.gold],
  drafts: ["drafts", (e) => e.state === "draft"],
};
let filter = "all";

/** Whether the list shows the article: keys that turn pages go by it, too. */
export const listed = (entry) => FILTERS[filter][1](entry);

// gold that others made is as far as an article goes: nothing of it waits for this annotator
const stateOf = (entry) => (entry.state === "open" && entry.gold ? "adjudicated" : entry.state);

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
  const choice = h("select", { "data-key": "filter", "aria-label": "Which articles are listed" });
  for (const [name, [words, test]] of Object.entries(FILTERS)) {
    choice.append(h("option", { value: name, selected: name === filter }, `${words} (${store.list.filter(test).length})`));
  }
  choice.addEventListener("change", () => {
    filter = choice.value;
    drawSide(shows, go);
  });
  fill(
    $("side"),
    h("p", { class: "filter" }, choice),
    h(
      "ol",
      { class: "articles" },
      store.list.filter((entry) => listed(entry) || entry.id === store.article?.id).map((entry) =>
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
            h("span", { class: `state ${stateOf(entry)}`, role: "img", "aria-label": WORDS[stateOf(entry)] }, MARKS[stateOf(entry)]),
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
  const count = (state) => store.list.filter((e) => stateOf(e) === state).length;
  const [done, adjudicated, all] = [count("done"), count("adjudicated"), store.list.length];
  const mine = all - adjudicated;
  $("bar").style.width = `${(100 * done) / Math.max(1, mine)}%`;
  $("progress").hidden = mine === 0;
  $("progress").setAttribute("aria-valuenow", String(done));
  $("progress").setAttribute("aria-valuemax", String(mine));
  const rest = adjudicated ? `${adjudicated} adjudicated` : "";
  $("count").textContent = [mine ? `${done} of ${mine} done` : "", rest].filter(Boolean).join(" · ");
}
