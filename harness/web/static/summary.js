// The reference summary: words counted while they are written, and which main speakers it leaves out.

import { call } from "./api.js";
import { $, fill, h, words } from "./dom.js";
import { change, mark, store } from "./state.js";

const [LEAST, MOST] = [50, 90];
let timer = 0;
let requests = 0;

export function drawSummary() {
  const { doc, article } = store;
  const shown = $("summary").querySelector("textarea");
  if (shown && shown === document.activeElement && shown.value === doc.summary) return count();
  fill(
    $("summary"),
    h("div", { class: "bar" }, h("h2", {}, h("label", { for: "words" }, "Your summary")), h("kbd", {}, "w"), h("span", { id: "word-count", class: "soft" })),
    h("textarea", {
      id: "words",
      "data-key": "words",
      rows: 6,
      lang: article.language,
      dir: "auto",
      value: doc.summary,
      "aria-describedby": "word-count left-out",
      placeholder: `${LEAST} to ${MOST} words of your own: every main speaker with the stance, in its strength`,
      onfocus: mark,
      oninput: (e) => {
        change((d) => (d.summary = e.target.value), { quiet: true, step: false });
        count();
      },
    }),
    h("p", { id: "left-out", role: "status" }),
    article.summaries.length
      ? h(
          "details",
          {},
          h("summary", { "data-key": "other-summaries" }, `Summaries by others (${article.summaries.length})`),
          article.summaries.map((s) => h("p", {}, h("b", {}, `${s.annotator} `), s.text)),
        )
      : null,
  );
  count();
}

function count() {
  const n = words(store.doc.summary);
  const place = $("word-count");
  place.textContent = n === 0 ? `${LEAST}–${MOST} words` : `${n} words${n < LEAST ? `, ${LEAST - n} to go` : n > MOST ? `, ${n - MOST} too many` : ""}`;
  place.classList.toggle("wrong", n > MOST);
  place.classList.toggle("right-size", n >= LEAST && n <= MOST);
  clearTimeout(timer);
  timer = setTimeout(leftOut, 250);
}

async function leftOut() {
  const turn = ++requests;
  const main = store.doc.speakers.filter((s) => s.main);
  let line = "";
  if (!main.length) line = "No speaker is marked as main yet.";
  else if (!store.doc.summary.trim()) line = `To be kept: ${main.map((s) => s.name).join(", ")}`;
  else {
    try {
      const { left_out } = await call("POST", "/api/left-out", { speakers: store.doc.speakers, text: store.doc.summary });
      const names = main.filter((s) => left_out.includes(s.id)).map((s) => s.name);
      line = names.length ? `Still left out: ${names.join(", ")}` : "Every main speaker is named.";
    } catch {
      return;
    }
  }
  if (turn === requests && $("left-out")) {
    $("left-out").textContent = line;
    $("left-out").classList.toggle("wrong", line.startsWith("Still"));
  }
}
