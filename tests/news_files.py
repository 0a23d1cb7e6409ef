"""Files of many articles in the shape in which Nexis and Factiva export them, made of articles that the tests know."""

from __future__ import annotations

import datetime as dt
import html
from dataclasses import dataclass
from pathlib import Path

NBSP = "\u00a0"


@dataclass(frozen=True)
class Printed:
    """What a test knows of an article."""

    headline: str
    publication: str
    date: dt.date
    body: tuple[str, ...]

    @property
    def day(self) -> str:
        return f"{self.date:%B} {self.date.day}, {self.date.year} {self.date:%A}"

    @property
    def words(self) -> int:
        return sum(len(p.split()) for p in self.body)


def printed(n: int = 30) -> list[Printed]:
    papers = ["The River Herald", "The Guardian (London)", "Le Monde", "Agence France Presse -- English"]
    return [
        Printed(
            # headlines repeat, have colons and end like sentences
            f"Minister No {i % 25}: “no” to the war" if i % 2 else f"Section chief {i % 25} warns the town’s council",
            papers[i % 4],
            dt.date(2022, 1 + i % 12, 1 + i % 28),
            (
                f"KYIV — Minister {i} said on Monday that he “would never” send arms. 🕊️",
                "Length: that was not the question, he said.",
                f"The council met {i} times in 2021; Document 7 was read aloud.",
                "“End it,” she wrote.",
            ),
        )
        for i in range(n)
    ]


def nexis_lines(articles: list[Printed]) -> list[str]:
    """Nexis Uni: a cover with a list, then the articles; no-break spaces behind labels."""
    lines = [
        "",
        "User Name: A READER",
        "Date and Time: Wednesday, December 19, 2018 7:11:00 PM",
        "Job Number: 79565034",
    ]
    lines.append(f"Documents ({len(articles)})")
    for n, a in enumerate(articles, start=1):
        lines += [f"{n}. {a.headline}", "Client/Matter: -None-", "Search Terms: war", "Narrowed by: ", "", ""]
    for a in articles:
        lines += ["", "", a.headline, a.publication, f"{a.day} Final Edition", ""]
        lines += [f"Copyright {a.date.year} {a.publication} All Rights Reserved", f"Section:{NBSP}NEWS; Pg. A10"]
        lines += [f"Length:{NBSP}{a.words} words", f"Byline:{NBSP}By A. REPORTER", "Body", "", "", *a.body]
        lines += ["Classification", "", f"Language:{NBSP}ENGLISH", f"Subject:{NBSP}WAR (93%); COUNCILS (71%)"]
        lines += [f"Load-Date:{NBSP}{a.day}", "", "End of Document"]
    return lines


def lexis_lines(articles: list[Printed]) -> list[str]:
    """LexisNexis Academic: numbered articles, one thing a line, the headline behind a label."""
    lines = ["Download Request: All Documents", "Time Of Request: Saturday, July 11, 2015  22:36:07 EST", ""]
    for n, a in enumerate(articles, start=1):
        lines += [f"{n} of {len(articles)} DOCUMENTS", "", a.publication, "", a.day, "Met 2 Edition", ""]
        lines += ["SECTION: A-SECTION; Pg. A01", "", f"LENGTH: {a.words} words", "", f"HEADLINE: {a.headline}", ""]
        lines += ["BYLINE: A. Reporter", "", " BODY:", *a.body, "", f"LOAD-DATE: {a.day}", "", "LANGUAGE: ENGLISH", ""]
        lines += [f"Copyright {a.date.year} {a.publication}", "All Rights Reserved", ""]
    return lines


def accession(n: int, a: Printed) -> str:
    return f"RVHD0000{a.date:%Y%m%d}ed{n:02d}000{n:02d}k"


def factiva_lines(articles: list[Printed]) -> list[str]:
    lines = []
    for n, a in enumerate(articles):
        lines += ["News", a.headline, "By A. Reporter", f"{a.words} words", f"{a.date.day} {a.date:%B %Y}", "10:30"]
        lines += [a.publication, "RVHD", "Late Edition", "12", "English", f"(c) {a.date.year} {a.publication}", ""]
        lines += [
            *(x for p in a.body for x in (p, "")),
            "River Media Limited",
            "",
            f"Document {accession(n, a)}",
            "",
            "",
        ]
    return lines


def factiva_coded_lines(articles: list[Printed], *, between: str = " ") -> list[str]:
    lines = []
    for n, a in enumerate(articles):
        fields = [("SE", "News"), ("HD", a.headline), ("BY", "By A. Reporter"), ("WC", f"{a.words} words")]
        fields += [("PD", f"{a.date.day} {a.date:%B %Y}"), ("SN", a.publication), ("SC", "RVHD"), ("LA", "English")]
        fields += [("CY", f"(c) {a.date.year} {a.publication}"), ("LP", a.body[0]), ("TD", "")]
        lines += [f"{code}{between}{words}".rstrip() for code, words in fields]
        lines += [*a.body[1:], f"NS{between}gwar : War | gpol : Politics", f"RE{between}ukrn : Ukraine"]
        lines += [f"PUB{between}River Media Limited", f"AN{between}Document {accession(n, a)}", ""]
    return lines


def as_text(lines: list[str], path: Path) -> Path:
    path.write_text("\r\n".join(lines), encoding="utf-8-sig", newline="")
    return path


def as_rtf(lines: list[str], path: Path) -> Path:
    def escaped(line: str) -> str:
        made = []
        for ch in line:
            if ch == NBSP:
                made.append(r"\~")
            elif ch in "\\{}":
                made.append("\\" + ch)
            elif ch < "\x80":
                made.append(ch)
            else:
                units = ch.encode("utf-16-le")
                numbers = [int.from_bytes(units[i : i + 2], "little", signed=True) for i in range(0, len(units), 2)]
                made += [rf"\u{n}?" for n in numbers]
        return "".join(made)

    body = "".join(rf"{{\f0 {escaped(line)}}}\par" + "\n" for line in lines)
    path.write_text(r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\froman Arial;}}" + "\n" + body + "}", encoding="ascii")
    return path


def as_docx(lines: list[str], path: Path) -> Path:
    import docx

    document = docx.Document()
    for line in lines:
        document.add_paragraph(line)
    document.add_table(rows=1, cols=2).cell(0, 0).text = "Narrowed by"
    document.save(str(path))
    return path


def as_html(lines: list[str], path: Path) -> Path:
    """One division a line, as LexisNexis writes it."""
    spans = "\n".join(
        f'<BR><DIV CLASS="c4"><P CLASS="c5"><SPAN CLASS="c2">{html.escape(line)}</SPAN></P>\n</DIV>' for line in lines
    )
    head = '<HTML>\n<HEAD>\n<STYLE TYPE="text/css"><!--\n.c0 { text-align: center; }\n--></STYLE>\n<TITLE>&nbsp;</TITLE></HEAD>'
    path.write_text(f'{head}\n<BODY>\n<A NAME="DOC_ID_1_0"></A>\n{spans}\n</BODY></HTML>', encoding="utf-8")
    return path


def factiva_html(articles: list[Printed], path: Path) -> Path:
    """Factiva's page: headline, author and paragraphs are marked."""
    parts = []
    for n, a in enumerate(articles):
        about = [f"{a.words} words", f"{a.date.day} {a.date:%B %Y}", a.publication, "RVHD", "English"]
        about.append(f"(c) {a.date.year} {a.publication} ")
        text = "\n".join(f'<p class="articleParagraph enarticleParagraph">{html.escape(p)}</p>' for p in a.body)
        parts.append(
            f'<div id="article-{accession(n, a)}" class="article"><div class="article enArticle"><p>\n</p><div>News</div>\n'
            f'<div id="hd"><span class="enHeadline">{html.escape(a.headline)}</span>\n</div><div class="author">A. Reporter </div>'
            + "".join(f"<div>{html.escape(x)}</div>" for x in about)
            + f"\n<p></p>\n{text}\n<p>River Media Limited</p><p>Document {accession(n, a)}</p></div></div>"
        )
    path.write_text(
        "<html><head><title>Factiva</title><script>var x = '<div>no</div>';</script></head><body><form>"
        f"<div id='navcontainer'>Factiva</div>{''.join(parts)}</form></body></html>",
        encoding="utf-8",
    )
    return path
