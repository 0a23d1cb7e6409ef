"use strict";
(async () => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const DEGREES = [-2, -1, 0, 1, 2, null];
  const UNPARSED = 6;
  const NO_ANSWER = { 6: "unparsed", 7: "no answer (error)", 8: "no longer stored", 9: "not asked" };
  const FLIPPED = 5, HARM = new Set([4, 5, 6, 7]), DROPPED = new Set([8, 9]);
  const FEW = 12;
  const words = (s) => s.replaceAll("_", " ");

  // Text only ever enters the page as text: no markup is built from strings.
  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
    return node;
  }

  // Data lies in the page as deflated JSON: a page of a hundred systems opens before it is read.
  async function unpacked(packed) {
    if (packed === "") return [];
    const raw = atob(packed), bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).json();
  }
  const reading = unpacked($("#data").textContent);

  // A name that may break after an underscore or a hyphen.
  const breakable = (name) => name.split(/(?<=[_/-])(?=\w)/).flatMap((part, n) => (n ? [el("wbr"), part] : [part]));

  // ── theme ────────────────────────────────────────────────────────────────
  const THEMES = { auto: "as the system", light: "light", dark: "dark" };
  const root = document.documentElement;
  function theme(name) {
    root.dataset.theme = name;
    $("#theme span").textContent = THEMES[name];
    try { localStorage.setItem("theme", name); } catch { /* a file without storage keeps the choice while it is open */ }
  }
  let remembered = null;
  try { remembered = localStorage.getItem("theme"); } catch { /* no storage */ }
  if (remembered in THEMES) theme(remembered);
  $("#theme").addEventListener("click", () => {
    const names = Object.keys(THEMES);
    theme(names[(names.indexOf(root.dataset.theme) + 1) % names.length]);
  });

  // ── state: everything that the address reproduces ────────────────────────
  const FIELDS = ["w", "sys", "ph", "kind", "split", "o", "q"];
  const state = { a: "", s: "", at: "", rows: "", sort: {} };
  FIELDS.forEach((f) => { state[f] = ""; });
  function address() {
    const parameters = new URLSearchParams();
    for (const f of [...FIELDS, "a", "s", "at", "rows"]) if (state[f] !== "") parameters.set(f, state[f]);
    for (const [board, by] of Object.entries(state.sort)) parameters.set(`sort-${board}`, by);
    return `#${parameters}`;
  }
  function remember() {
    const hash = address();
    $("#link").setAttribute("href", hash);
    try { history.replaceState(null, "", hash); } catch { /* some viewers forbid it; the link still works */ }
  }
  function recall() {
    const parameters = new URLSearchParams(location.hash.slice(1));
    for (const f of [...FIELDS, "a", "s", "at", "rows"]) state[f] = parameters.get(f) ?? "";
    state.sort = {};
    for (const [name, by] of parameters) if (name.startsWith("sort-")) state.sort[name.slice(5)] = by;
  }

  // ── what is wider than the page: marked when it comes into view, so that nothing is laid out before ──
  const seen = new Set(), unfolded = new Set();
  const isWider = (box) => box.scrollWidth > box.clientWidth + 1;
  function fit(box) {
    seen.add(box);
    const line = $(".fold", box.parentElement), table = $("table.leader", box);
    if (line && table) {
      // columns give way by importance: where there is no room the rare ones are folded away, and named
      table.classList.remove("folded");
      const isOpen = unfolded.has(box), rare = [...table.querySelectorAll("thead .rare .sort")].map((b) => b.firstChild.textContent.trim());
      line.hidden = !isWider(box);
      table.classList.toggle("folded", !line.hidden && !isOpen);
      const button = $("button", line);
      button.textContent = `${isOpen ? "Fold" : "Show"} ${rare.join(", ")}`;
      button.setAttribute("aria-expanded", String(isOpen));
      button.onclick = () => { if (isOpen) unfolded.delete(box); else unfolded.add(box); fit(box); };
    }
    box.classList.toggle("more", isWider(box));
  }
  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) fit(target);
  }, { rootMargin: "200px" });
  addEventListener("resize", () => { for (const box of seen) if (box.isConnected) fit(box); else seen.delete(box); });
  for (const box of document.querySelectorAll(".scroll")) near.observe(box);

  // ── leaderboards ─────────────────────────────────────────────────────────
  function sortBoard(table, by) {
    const [key, way] = by.split(".");
    const column = Number(key), sign = way === "d" ? -1 : 1;
    const head = table.tHead.rows[0].cells[column];
    if (!head) return;
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => {
      const v = row.cells[column].dataset.v;
      return { row, v: column === 0 ? v : v === "" ? null : Number(v) };
    });
    // an empty cell stays at the end, whichever way the column is sorted
    rows.sort((x, y) => x.v === null || y.v === null ? (x.v === null) - (y.v === null)
      : sign * (column === 0 ? (x.v < y.v ? -1 : x.v > y.v ? 1 : 0) : x.v - y.v));
    body.append(...rows.map((r) => r.row));
    if (head.classList.contains("rare")) unfolded.add(table.parentElement);
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", sign < 0 ? "descending" : "ascending");
  }
  for (const table of document.querySelectorAll("table.leader")) {
    table.tHead.addEventListener("click", (event) => {
      const button = event.target.closest(".sort");
      if (!button) return;
      const board = table.dataset.board, old = state.sort[board] ?? "";
      // the first press puts the best on top
      const start = button.dataset.start, other = start === "d" ? "a" : "d";
      state.sort[board] = `${button.dataset.key}.${old === `${button.dataset.key}.${start}` ? other : start}`;
      sortBoard(table, state.sort[board]);
      remember();
    });
  }

  // ── filters ──────────────────────────────────────────────────────────────
  const form = $("#filters");
  const data = await reading, prose = unpacked($("#prose").textContent);
  const { articles, items, first, classifiers, summarisers } = data;
  for (const name of new Set([...classifiers, ...summarisers].map((s) => s.name))) form.elements.sys.append(el("option", {}, name));
  const code = (system, i) => system.codes.charCodeAt(i) - 48;
  const fate = (system, i) => (system.outcomes ? system.outcomes.charCodeAt(i) - 97 : -1);
  const markOf = (gold, answer) => (gold < 0 || answer > UNPARSED ? "" : data.marks[gold][answer]);
  const isFlip = (gold, answer) => markOf(gold, answer) === "flip";
  const isWrong = (gold, answer) => ["wrong", "flip"].includes(markOf(gold, answer));
  function disagree(systems, i) {
    let earlier = -1;
    for (const system of systems) {
      const answer = code(system, i);
      if (answer >= UNPARSED) continue;
      if (earlier >= 0 && earlier !== answer) return true;
      earlier = answer;
    }
    return false;
  }
  function matcher() {
    const named = (list) => (state.sys === "" ? list : list.filter((s) => s.name === state.sys));
    const judging = named(classifiers), writing = named(summarisers);
    const tests = {
      wrong: (i, gold) => judging.some((s) => isWrong(gold, code(s, i))),
      flipped: (i, gold) => judging.some((s) => isFlip(gold, code(s, i))) || writing.some((s) => fate(s, i) === FLIPPED),
      unparsed: (i) => judging.some((s) => code(s, i) === UNPARSED),
      disagree: (i) => state.sys === "" ? disagree(classifiers, i)
        : judging.some((s) => code(s, i) < UNPARSED && classifiers.some((o) => code(o, i) < UNPARSED && code(o, i) !== code(s, i))),
      harm: (i) => writing.some((s) => HARM.has(fate(s, i))),
      dropped: (i) => writing.some((s) => DROPPED.has(fate(s, i))),
    };
    const test = tests[state.w], phenomenon = state.ph === "" ? -1 : data.phenomena.indexOf(state.ph);
    return (i) => {
      const item = items[i];
      if (phenomenon >= 0 && !item[3]?.includes(phenomenon)) return false;
      return !test || test(i, item[2]);
    };
  }
  function apart(k) {
    let n = 0;
    for (let i = first[k]; i < first[k + 1]; i++) n += disagree(classifiers, i);
    return n;
  }
  let shown = [], wanted = new Set();
  async function filter() {
    const match = matcher(), query = state.q.toLowerCase(), narrowed = state.w !== "" || state.ph !== "";
    const texts = query ? (await prose).texts : [];
    shown = [];
    wanted = new Set();
    let total = 0;
    articles.forEach((article, k) => {
      if (state.kind !== "" && article.kind !== state.kind) return;
      if (state.split !== "" && article.split !== state.split) return;
      if (query && !`${article.title}\n${article.id}\n${texts[k]}\n${article.speakers.map((s) => s[1]).join("\n")}`.toLowerCase().includes(query)) return;
      let n = 0;
      for (let i = first[k]; i < first[k + 1]; i++) if (match(i)) { n++; wanted.add(i); }
      if (narrowed && !n) return;
      shown.push({ k, n });
      total += n;
    });
    const order = { "": (x, y) => narrowed ? y.n - x.n || x.k - y.k : x.k - y.k, id: (x, y) => x.k - y.k };
    // without gold nothing is right or wrong: what is in dispute comes first
    if (state.o === "apart" || (state.o === "" && !data.labelled && classifiers.length > 1)) {
      const by = new Map(shown.map(({ k }) => [k, apart(k)]));
      shown.sort((x, y) => by.get(y.k) - by.get(x.k) || x.k - y.k);
      shown.forEach((one) => { one.apart = by.get(one.k); });
    } else shown.sort(order[state.o] ?? order[""]);
    $("#count").textContent = `${shown.length} of ${articles.length} articles, ${total} of ${items.length} (speaker, target) pairs match.`;
    return list();
  }
  const PAGE = 60;
  function list(most = PAGE) {
    const current = shown.some(({ k }) => articles[k].id === state.a) ? state.a : shown.length ? articles[shown[0].k].id : "";
    // the entry of the open article is always there, whatever link has opened it
    most = Math.max(most, shown.findIndex(({ k }) => articles[k].id === current) + 1);
    const entries = shown.slice(0, most).map(({ k, n, apart: far }) => {
      const article = articles[k];
      const note = far !== undefined ? `${far} pairs in dispute` : `${n} pair${n === 1 ? "" : "s"}`;
      return el("li", {}, el("button", { type: "button", "data-a": article.id, "aria-current": article.id === current ? "true" : false },
        article.title, el("small", {}, `${article.id} · ${note}`)));
    });
    if (shown.length > most) {
      entries.push(el("li", {}, el("button", { type: "button", onclick: () => { list(shown.length); $("#list").querySelectorAll("button")[most].focus(); } }, `Show all ${shown.length} articles`)));
    }
    const box = $("#list");
    box.replaceChildren(...entries);
    // scrolls the list alone, not the page
    const entry = $('[aria-current="true"]', box)?.getBoundingClientRect(), frame = box.getBoundingClientRect();
    if (entry && (entry.top < frame.top || entry.bottom > frame.bottom)) box.scrollTop += entry.top - frame.top - frame.height / 3;
    return article(current);
  }
  $("#list").addEventListener("click", (event) => {
    const button = event.target.closest("[data-a]");
    if (!button) return;
    state.a = button.dataset.a;
    state.s = state.at = "";
    for (const b of $("#list").querySelectorAll("[aria-current]")) b.removeAttribute("aria-current");
    button.setAttribute("aria-current", "true");
    // where the list stands above the article and not beside it
    article(state.a).then(() => { if (matchMedia("(max-width: 46rem)").matches) $("#article").scrollIntoView(); });
    remember();
  });
  $("#list").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const buttons = [...$("#list").querySelectorAll("button")];
    buttons[buttons.indexOf(document.activeElement) + step]?.focus();
    event.preventDefault();
  });

  // ── one article ──────────────────────────────────────────────────────────
  let requested = "";
  async function article(id) {
    const k = articles.findIndex((a) => a.id === id), place = $("#article");
    requested = id;
    if (k < 0) { place.replaceChildren(el("p", {}, "No article matches.")); return; }
    const whole = await prose;
    if (requested !== id) return;
    const a = articles[k], chosen = a.speakers.findIndex((s) => s[0] === state.s);
    const pairs = [];
    for (let i = first[k]; i < first[k + 1]; i++) pairs.push(i);
    place.replaceChildren(
      el("h3", {}, a.title),
      el("p", { class: "meta" }, [...new Set([a.id, a.event, a.kind, `split ${a.split}`, ...a.source])].join(" · ")),
      cast(a, chosen), el("div", { class: "beside" }, text(a, whole.texts[k], whole.mentions[k], whole.evidence, pairs, chosen), stances(a, whole.notes, pairs, chosen)),
      summaries(a, k, whole, pairs, chosen),
      el("button", { type: "button", class: "up", onclick: () => { $("#count").scrollIntoView(); $('#list [aria-current="true"]')?.focus({ preventScroll: true }); } }, "↑ All articles"));
    const box = $(".text", place), mark = $(chosen < 0 ? "mark.here" : "mark:not(.off)", box);
    // scrolls the text alone, where it has a scroll bar of its own
    if (mark) box.scrollTop += mark.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 3;
  }
  function cast(a, chosen) {
    return el("ul", { class: "cast", "aria-label": "Speakers: press one to see its evidence and stances alone" }, ...a.speakers.map((s, n) =>
      el("li", {}, el("button", {
        type: "button", "aria-pressed": String(n === chosen), "data-s": s[0], title: [s[3], s[4], s[2], s[5] ? "main speaker" : ""].filter(Boolean).join(" · "),
        onclick: async () => { state.s = n === chosen ? "" : s[0]; state.at = ""; await article(a.id); remember(); $(`.cast [data-s="${CSS.escape(s[0])}"]`)?.focus(); },
      }, el("span", { class: `sp c${n % 8}`, "data-n": n + 1 }, s[1]), s[2] ? ` ${s[2]}` : ""))));
  }
  function text(a, whole, mentions, passages, pairs, chosen) {
    const evidence = pairs.flatMap((i) => (passages[i] ?? []).map(([from, to]) => [from, to, items[i][0]]));
    // the passage that a row of the table of stances leads to
    const lead = /^(\d+)-(\d+)$/.exec(state.at);
    if (lead) evidence.push([Number(lead[1]), Number(lead[2]), chosen]);
    const cuts = new Set([0, whole.length]);
    for (const [from, to] of [...evidence, ...mentions]) { cuts.add(from); cuts.add(to); }
    const title = whole.trimStart().startsWith(a.title) ? whole.indexOf(a.title) + a.title.length : 0;
    const begin = title + (whole.slice(title).length - whole.slice(title).trimStart().length);
    // the heading above says the title already
    const at = [begin, ...[...cuts].filter((x) => x > begin).sort((x, y) => x - y)], box = el("div", { class: "text", dir: "auto", role: "region", tabindex: "0", "aria-label": "Text of the article" });
    let mark = null, markKey = "";
    for (let j = 0; j + 1 < at.length; j++) {
      const from = at[j], piece = whole.slice(from, at[j + 1]);
      const here = evidence.filter(([x, y]) => x <= from && from < y);
      const who = mentions.find(([x, y]) => x <= from && from < y);
      const node = who ? el("span", { class: `sp c${who[2] % 8}${chosen >= 0 && chosen !== who[2] ? " off" : ""}`, "data-n": who[2] + 1, title: a.speakers[who[2]][1] }, piece)
        : document.createTextNode(piece);
      const key = here.map(([x, y]) => `${x}-${y}`).join();
      if (!here.length) { box.append(node); mark = null; continue; }
      if (!mark || key !== markKey) {
        const off = chosen >= 0 && !here.some((e) => e[2] === chosen);
        const named = [...new Set(here.map((e) => a.speakers[e[2]]?.[1]).filter(Boolean))].join(", ");
        const isLead = lead && here.some(([x, y]) => `${x}-${y}` === state.at);
        mark = el("mark", { class: isLead ? "here" : off ? "off" : "", title: isLead ? named : `gold evidence: ${named}` });
        markKey = key;
        box.append(mark);
      }
      mark.append(node);
    }
    return box;
  }
  // On paper there is room for the glyph alone; the legend above the table says what it means.
  const face = (answer) => (answer in NO_ANSWER ? [NO_ANSWER[answer]] : [data.scale[answer], el("span", { class: "w" }, ` ${words(data.labels[answer])}`)]);
  const colour = (answer) => (answer in NO_ANSWER ? "bad" : `d${DEGREES[answer] ?? "n"}`);
  const label = (answer) => el("span", { class: `say ${colour(answer)}` }, el("span", {}, ...face(answer)));
  const MARKS = data.mark_words;
  function answerButton(system, i, gold) {
    const answer = code(system, i), flip = isFlip(gold, answer), wrong = isWrong(gold, answer);
    const mark = MARKS[markOf(gold, answer)] ?? null;
    return el("button", {
      type: "button", class: `say ${colour(answer)}${flip ? " flip" : wrong ? " wrong" : ""}`,
      title: "prompt and raw answer", onclick: () => open(system, i, classifiers.includes(system)),
    }, el("span", {}, ...face(answer)), mark ? el("b", { "aria-hidden": "true" }, mark[0]) : null, mark ? el("span", { class: "sr" }, ` (${mark[1]})`) : null);
  }
  function legend() {
    const scale = data.labels.flatMap((name, n) => [el("b", {}, data.scale[n]), ` ${words(name)}  `]);
    const marks = data.labelled ? Object.values(MARKS).flatMap(([glyph, means]) => [el("b", {}, glyph), ` ${means}  `]) : [];
    return el("p", { class: "how key-line" }, ...scale, marks.length ? el("br") : "", ...marks, "Press an answer for its prompt and raw text.");
  }
  function stances(a, notes, pairs, chosen) {
    let rows = chosen >= 0 ? pairs.filter((i) => items[i][0] === chosen) : pairs;
    const matching = rows.filter((i) => wanted.has(i)), hidden = rows.length - matching.length;
    if (state.rows !== "all" && matching.length) rows = matching;
    const named = state.sys === "" ? [] : classifiers.filter((s) => s.name === state.sys);
    const systems = named.length ? named : state.rows === "all" ? classifiers : classifiers.slice(0, FEW);
    const box = el("div", {}, el("h3", {}, "Stances"));
    if (!rows.length) {
      box.append(el("p", { class: "meta" }, a.speakers.length ? "This speaker’s stance on no target is asked for." : "No speaker is known here, so nothing was asked."));
      return box;
    }
    if (!systems.length) { box.append(el("p", { class: "meta" }, "No stance classifier was run.")); }
    box.append(el("ul", { class: "targets" }, ...a.targets.map((t) => el("li", {}, el("b", {}, t[0]), ` ${t[1]}`, t[2] === "de_escalate" ? " (de-escalates)" : "", t[3] >= 0 ? ` · rung ${t[3]}` : ""))));
    if (systems.length) box.append(legend());
    const fewer = !named.length && classifiers.length > systems.length ? ` and ${classifiers.length - systems.length} classifiers` : "";
    if (state.rows === "all" || (hidden && matching.length) || fewer) {
      box.append(el("button", { type: "button", class: "quiet toggle", onclick: async () => { state.rows = state.rows === "all" ? "" : "all"; await article(a.id); remember(); $("#article .toggle")?.focus(); } },
        state.rows === "all" ? "Show only what matches" : hidden && matching.length ? `Show the other ${hidden} pairs${fewer} too` : `Show the other ${classifiers.length - systems.length} classifiers too`));
    }
    // rows of one speaker stand together under one heading
    const heads = new Map();
    rows.forEach((i, n) => {
      const start = n && items[rows[n - 1]][0] === items[i][0] ? heads.get("last") : n;
      heads.set("last", start);
      heads.set(start, (heads.get(start) ?? 0) + 1);
    });
    const table = el("table", { class: systems.length > 6 ? "stances crowded" : "stances" },
      el("caption", { class: "sr" }, "Each pair’s gold stance and what each classifier answered; a cell opens prompt and raw answer"),
      el("thead", {}, el("tr", {}, ...["speaker", "target", ...(data.labelled ? ["gold"] : []), ...systems.map((s) => s.name)].map((h) => el("th", { scope: "col" }, ...breakable(h))))),
      el("tbody", {}, ...rows.map((i, n) => {
        const [s, t, gold, phenomena] = items[i];
        const more = [(phenomena ?? []).map((p) => words(data.phenomena[p])).join(", "), notes[i]].filter(Boolean).join("; ");
        return el("tr", { class: heads.has(n) ? "first" : "" },
          heads.has(n) ? el("th", { scope: "rowgroup", rowspan: heads.get(n), class: "who" }, el("span", { class: `sp c${s % 8}`, "data-n": s + 1 }, a.speakers[s][1])) : null,
          el("td", { title: a.targets[t][1], class: "target" }, a.targets[t][0]),
          data.labelled ? el("td", { class: "gold" }, gold < 0 ? "(not labelled)" : label(gold), more ? el("span", { class: "gold-note" }, more) : null) : null,
          ...systems.map((system) => el("td", {}, answerButton(system, i, gold))));
      })));
    const wide = el("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Stances, table" }, table);
    near.observe(wide);
    box.append(wide);
    return box;
  }
  function summaries(a, k, prose, pairs, chosen) {
    const references = prose.references[k];
    if (!summarisers.length && !references.length) return el("div");
    const named = summarisers.filter((s) => s.name === state.sys), systems = named.length ? named : summarisers;
    const cards = references.map(([who, words_]) => el("div", { class: "summary" }, el("h4", {}, `Reference by ${who}`), el("p", { dir: "auto" }, words_)));
    for (const system of systems) {
      const answer = prose.summaries[system.fingerprint][k], problem = system.problems[k];
      const scores = [["ROUGE-Lsum", system.scores[0]?.[k]], ["words", system.scores[1]?.[k]]].filter(([, v]) => v !== null && v !== undefined);
      const fates = pairs.filter((i) => (chosen < 0 || items[i][0] === chosen) && fate(system, i) >= 0);
      const counted = new Map();
      for (const i of fates) {
        const f = fate(system, i);
        if (HARM.has(f)) continue;
        counted.set(f, (counted.get(f) ?? 0) + 1);
      }
      const harmed = fates.filter((i) => HARM.has(fate(system, i)));
      const gold = (i) => (items[i][2] < 0 ? "" : `gold ${words(data.labels[items[i][2]])}, `);
      cards.push(el("div", { class: "summary" },
        el("h4", {}, system.name, el("button", { type: "button", class: "quiet", onclick: () => open(system, k, false) }, "prompt and raw answer")),
        el("p", { dir: "auto" }, problem ? `(${problem})` : answer === null ? "(not asked)" : answer.trim() || "(empty)"),
        el("small", {}, scores.map(([name, v]) => `${name} ${v}`).join(" · ")),
        fates.length ? el("p", { class: "how" }, `As ${system.judge}:`) : null,
        fates.length ? el("ul", { class: "fates" },
          ...harmed.map((i) => el("li", { class: "harm" }, `${fate(system, i) === FLIPPED ? MARKS.flip[0] : data.harmed} ${words(data.outcomes[fate(system, i)])}: ${a.speakers[items[i][0]][1]} on ${a.targets[items[i][1]][0]}` +
            (system.judged && code({ codes: system.judged }, i) < UNPARSED ? ` (${gold(i)}here ${words(data.labels[code({ codes: system.judged }, i)])})` : ""))),
          ...[...counted].sort((x, y) => x[0] - y[0]).map(([f, n]) => el("li", {}, `${words(data.outcomes[f])} ${n}`))) : null));
    }
    return el("div", {}, el("h3", {}, "Summaries"), el("div", { class: "summaries" }, ...cards));
  }

  // ── the exact prompt and the raw answer ──────────────────────────────────
  const blocks = new Map();
  function block(name) {
    const packed = document.querySelector(`script[data-name="${CSS.escape(name)}"]`);
    if (packed && !blocks.has(name)) blocks.set(name, unpacked(packed.textContent));
    return packed ? blocks.get(name) : null;
  }
  async function open(system, i, isStance) {
    const k = isStance ? first.findLastIndex((f) => f <= i) : i;
    const a = articles[k], box = $("#said .said");
    const [raws, prompts, { texts, summaries }] = await Promise.all([block(`raw:${system.fingerprint}`), block(`prompt:${system.fingerprint}`), prose]);
    const whole = raws?.[i] ?? (isStance ? null : summaries[system.fingerprint][k]), prompt = prompts?.[i] ?? null;
    // a raw answer that found no room is its beginning and how much follows
    const [raw, more] = Array.isArray(whole) ? whole : [whole, 0];
    const about = isStance ? ` on ${a.speakers[items[i][0]][1]}, ${a.targets[items[i][1]][0]}` : "";
    const away = "left out of this page for its size; harness show RUN --article ID --prompt prints it";
    const parts = [el("h2", { id: "said-h" }, `${system.name}${about}`), el("p", { class: "meta" }, a.title)];
    if (isStance && items[i][2] >= 0) parts.push(el("p", {}, "Gold: ", words(data.labels[items[i][2]])));
    parts.push(el("h3", {}, "Raw answer"), raw !== null && raw !== undefined ? el("pre", { dir: "auto", tabindex: "0" }, raw)
      : el("p", { class: "meta" }, raws === null ? away : "none: the answer is computed without text"));
    if (more) parts.push(el("p", { class: "cut" }, `${more.toLocaleString("en")} more characters are ${away}`));
    parts.push(el("h3", {}, "Prompt"));
    if (prompt === null) parts.push(el("p", { class: "meta" }, prompts === null ? away : "none: this system reads no prompt"));
    else if (prompt.length === 1) parts.push(el("pre", { tabindex: "0" }, prompt[0]));
    else parts.push(el("pre", { tabindex: "0" }, prompt[0], texts[k].slice(prompt[1], prompt[2]), prompt[3]));
    box.replaceChildren(...parts);
    $("#said").showModal();
  }

  // ── wiring ───────────────────────────────────────────────────────────────
  function read() { for (const f of FIELDS) state[f] = form.elements[f].value; }
  function apply() {
    for (const f of FIELDS) form.elements[f].value = state[f];
    for (const f of FIELDS) if (form.elements[f].value !== state[f]) { form.elements[f].value = ""; state[f] = ""; }
    for (const table of document.querySelectorAll("table.leader")) {
      const by = state.sort[table.dataset.board];
      if (by) sortBoard(table, by);
    }
    $("#link").setAttribute("href", address());
    return filter();
  }
  form.addEventListener("input", () => { read(); filter(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    for (const f of FIELDS) state[f] = "";
    state.s = state.at = state.rows = "";
    apply();
    remember();
  });
  for (const link of document.querySelectorAll('nav a[href^="#"], .skip')) {
    // the address keeps the view; a link inside the page only moves to its part
    link.addEventListener("click", (event) => {
      const part = document.getElementById(link.getAttribute("href").slice(1));
      event.preventDefault();
      part.setAttribute("tabindex", "-1");
      part.focus({ preventScroll: true });
      part.scrollIntoView();
    });
  }
  addEventListener("hashchange", async () => {
    recall();
    await apply();
    if (state.a !== "") ($("mark.here") ?? $("#articles")).scrollIntoView({ block: state.at ? "center" : "start" });
  });
  recall();
  await apply();
  performance.mark("ready");
  if (state.a !== "" && !location.hash.includes("sort-")) ($("mark.here") ?? $("#articles")).scrollIntoView({ behavior: "instant", block: state.at ? "center" : "start" });
})();
