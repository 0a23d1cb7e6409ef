// Markdown of the guidelines as elements: headings, lists, tables, emphasis, code; text is never read as HTML.

import { h } from "./dom.js";

function inline(text) {
  const parts = [];
  const pattern = /`([^`]+)`|\*\*(.+?)\*\*|\*(.+?)\*|\[([^\]]+)\]\([^)]*\)/g;
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    parts.push(text.slice(at, match.index));
    const [, code, strong, em, link] = match;
    if (code) parts.push(h("code", {}, code));
    else if (strong) parts.push(h("strong", {}, inline(strong)));
    else if (em) parts.push(h("em", {}, inline(em)));
    else parts.push(link);
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return parts;
}

const row = (line, tag) =>
  h("tr", {}, line.replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((c) => h(tag, {}, inline(c.trim()))));

export function markdown(text) {
  const out = [];
  const lines = text.split(/\r?\n/);
  for (let i = 0; i < lines.length; ) {
    const line = lines[i];
    const heading = /^(#{1,6})\s+(.*)/.exec(line);
    const item = /^(\s*)([-*]|\d+\.)\s+(.*)/.exec(line);
    if (!line.trim()) i++;
    else if (heading) {
      out.push(h(`h${Math.min(6, heading[1].length + 1)}`, {}, inline(heading[2])));
      i++;
    } else if (line.startsWith("```")) {
      const code = [];
      for (i++; i < lines.length && !lines[i].startsWith("```"); i++) code.push(lines[i]);
      out.push(h("pre", {}, code.join("\n")));
      i++;
    } else if (line.startsWith("|") && /^\|[\s:|-]+\|?\s*$/.test(lines[i + 1] ?? "")) {
      const table = h("table", {}, row(line, "th"));
      for (i += 2; i < lines.length && lines[i].startsWith("|"); i++) table.append(row(lines[i], "td"));
      out.push(table);
    } else if (item) {
      const numbered = /\d/.test(item[2]);
      const list = h(numbered ? "ol" : "ul", numbered ? { start: parseInt(item[2], 10) } : {});
      while (i < lines.length) {
        const next = /^(\s*)([-*]|\d+\.)\s+(.*)/.exec(lines[i]);
        if (!next) break;
        const words = [next[3]];
        for (i++; i < lines.length && lines[i].trim() && !/^(\s*)([-*]|\d+\.)\s+/.test(lines[i]); i++) words.push(lines[i].trim());
        list.append(h("li", {}, inline(words.join(" "))));
      }
      out.push(list);
    } else {
      const words = [];
      for (; i < lines.length && lines[i].trim() && !/^(#{1,6}\s|```|\|)|^\s*([-*]|\d+\.)\s+/.test(lines[i]); i++) words.push(lines[i].trim());
      if (!words.length) words.push(lines[i++]);
      out.push(h("p", {}, inline(words.join(" "))));
    }
  }
  return out;
}
