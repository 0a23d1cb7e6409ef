"""Files of Nexis and Factiva in their real shapes: as many articles out as in, each with its headline, day and body."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.data.formats import format_named
from harness.data.formats.dates import day_in
from harness.errors import DataError
from harness.types import Article
from tests.news_files import (
    NBSP,
    Printed,
    as_docx,
    as_html,
    as_rtf,
    as_text,
    factiva_coded_lines,
    factiva_html,
    factiva_lines,
    lexis_lines,
    nexis_lines,
    printed,
)

Lines = Callable[[list[Printed]], list[str]]
Write = Callable[[list[str], Path], Path]


def key(article: Article) -> tuple[str, str, str | None, str]:
    return article.title, str(article.source.date), article.source.publisher, article.text


def wanted(articles: list[Printed]) -> list[tuple[str, str, str | None, str]]:
    return sorted((a.headline, str(a.date), a.publication, "\n\n".join(a.body)) for a in articles)


@pytest.mark.parametrize("write", [as_docx, as_rtf, as_html, as_text])
@pytest.mark.parametrize("lines", [nexis_lines, lexis_lines])
def test_nexis_thirty_in_thirty_out(lines: Lines, write: Write, tmp_path: Path) -> None:
    articles = printed()
    imported = format_named("nexis").load(write(lines(articles), tmp_path / "export"), {})
    assert len(imported.articles) == 30
    assert sorted(map(key, imported.articles)) == wanted(articles)
    assert imported.bookkeeping["length"] == 30
    assert {a.language for a in imported.articles} == {"en"}
    assert all("byline: " in str(a.source.note) for a in imported.articles)
    assert {x.what for x in imported.losses} <= {"`subject` is not carried", "tables of the Word file are not read"}


@pytest.mark.parametrize("write", [as_docx, as_rtf, as_html, as_text])
@pytest.mark.parametrize("lines", [factiva_lines, factiva_coded_lines])
def test_factiva_thirty_in_thirty_out(lines: Lines, write: Write, tmp_path: Path) -> None:
    articles = printed()
    imported = format_named("factiva").load(write(lines(articles), tmp_path / "export"), {})
    assert len(imported.articles) == 30
    assert sorted(map(key, imported.articles)) == wanted(articles)
    assert all("byline: By A. Reporter" in str(a.source.note) for a in imported.articles)


def test_factiva_html_thirty_in_thirty_out(tmp_path: Path) -> None:
    articles = printed()
    imported = format_named("factiva").load(factiva_html(articles, tmp_path / "export.html"), {})
    assert sorted(map(key, imported.articles)) == wanted(articles)
    assert not imported.losses


def test_what_is_guessed_from_unmarked_lines_is_said(tmp_path: Path) -> None:
    imported = format_named("factiva").load(as_text(factiva_lines(printed(1)), tmp_path / "x.txt"), {})
    assert {x.what for x in imported.losses} == {
        "which line is the headline is not marked: the longest is taken",
        "its last line is taken for the rights holder and left out",
    }


def test_field_codes_in_the_cells_of_a_table(tmp_path: Path) -> None:
    # striprtf parts cells by bars
    articles = printed(3)
    lines = [f"{x}|" if x[2:3] == "|" else x for x in factiva_coded_lines(articles, between="|")]
    imported = format_named("factiva").load(as_text(lines, tmp_path / "x.txt"), {})
    assert sorted(map(key, imported.articles)) == wanted(articles)
    assert {x.what for x in imported.losses} == {"`subjects` is not carried", "`regions` is not carried"}


def test_lines_that_were_wrapped_at_a_column(tmp_path: Path) -> None:
    lines = [
        "",
        " " * 30 + "1 of 1 DOCUMENTS",
        "",
        " " * 34 + "The Herald",
        "",
        " " * 28 + "January 11, 2010 Monday",
        "",
    ]
    lines += ["Council warns of war", "", "BYLINE: A. Reporter", "", "LENGTH: 12 words", ""]
    lines += ["The council warned on Monday of a war that nobody wanted, said the mayor of", "the town.", ""]
    lines += ["She was right.", "", "LOAD-DATE: January 11, 2010", "", " " * 20 + "Copyright 2010 The Herald"]
    [article] = format_named("nexis").load(as_text(lines, tmp_path / "x.txt"), {}).articles
    assert article.title == "Council warns of war"
    first, second = article.text.split("\n\n")
    assert first == "The council warned on Monday of a war that nobody wanted, said the mayor of the town."
    assert second == "She was right."


def test_an_article_without_a_day_has_that_of_its_loading(tmp_path: Path) -> None:
    lines = nexis_lines(printed(2))
    at = next(i for i, line in enumerate(lines) if line.endswith("Final Edition"))
    lines[at : at + 1] = ["", "", " Correction Appended"]
    imported = format_named("nexis").load(as_docx(lines, tmp_path / "x.docx"), {})
    assert sorted(map(key, imported.articles)) == wanted(printed(2))
    assert "its head names no day: the load date is taken" in {x.what for x in imported.losses}


def test_a_promise_that_is_not_kept_is_said(tmp_path: Path) -> None:
    lines = nexis_lines(printed(4))
    cut = [i for i, line in enumerate(lines) if line == "End of Document"][2]
    imported = format_named("nexis").load(as_text(lines[: cut + 1], tmp_path / "x.txt"), {})
    assert "the file promises 4 articles, 3 are read" in {x.what for x in imported.losses}


def test_rich_text_that_is_deleted_or_hidden_is_said(tmp_path: Path) -> None:
    path = as_rtf(nexis_lines(printed(1)), tmp_path / "x.rtf")
    raw = path.read_text(encoding="ascii").replace(
        "The council met", r"{\deleted No. }{\v secret }The council met{\footnote x}"
    )
    path.write_text(raw, encoding="ascii")
    imported = format_named("nexis").load(path, {})
    assert {x.what for x in imported.losses} == {
        "`subject` is not carried",
        "deleted text of the rich text is read as if it stood there",
        "hidden text of the rich text is read as if it were seen",
        "footnotes of the rich text are not read",
    }


def test_words_that_an_editor_put_into_a_word_file(tmp_path: Path) -> None:
    import docx
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    as_docx(nexis_lines(printed(1)), tmp_path / "x.docx")
    document = docx.Document(str(tmp_path / "x.docx"))
    body = next(p for p in document.paragraphs if p.text.startswith("The council met"))
    about = f'{nsdecls("w")} w:id="1" w:author="Ed" w:date="2024-01-01T00:00:00Z"'
    body._p.append(parse_xml(f"<w:ins {about}><w:r><w:t> No war</w:t></w:r></w:ins>"))
    body._p.append(parse_xml(f"<w:del {about}><w:r><w:delText> Yes</w:delText></w:r></w:del>"))
    body._p.append(parse_xml(f"<w:r {nsdecls('w')}><w:rPr><w:vanish/></w:rPr><w:t> hidden</w:t></w:r>"))
    control = "<w:sdtPr/><w:sdtContent><w:p><w:r><w:t>She agreed.</w:t></w:r></w:p></w:sdtContent>"
    body._p.addnext(parse_xml(f"<w:sdt {nsdecls('w')}>{control}</w:sdt>"))
    document.save(str(tmp_path / "x.docx"))
    [article] = format_named("nexis").load(tmp_path / "x.docx", {}).articles
    assert article.text.split("\n\n")[2:4] == [printed(1)[0].body[2] + " No war", "She agreed."]


@pytest.mark.parametrize("name", ["nexis", "factiva"])
def test_other_files_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no article(.|\n)*→"):
        format_named(name).load(as_text(["A text.", "And more."], tmp_path / "x.txt"), {})
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(DataError, match="a zip, but no Word file"):
        format_named(name).load(tmp_path / "x.zip", {})
    (tmp_path / "x.doc").write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 600)
    with pytest.raises(DataError, match="old Word file"):
        format_named(name).load(tmp_path / "x.doc", {})


@pytest.mark.parametrize(
    ("line", "day"),
    [
        ("January 11, 2010 Monday", "2010-01-11"),
        ("November 5, 2002 Tuesday Final Edition", "2002-11-05"),
        ("27. Februar 2012 Montag 9:50 PM GMT+1", "2012-02-27"),
        ("13 November 2017", "2017-11-13"),
        ("1er août 2019", "2019-08-01"),
        ("3 de marzo de 2020", "2020-03-03"),
        ("2018 年 10 月 7 日 17:04", "2018-10-07"),
        (f"9{NBSP}Januar{NBSP}1993", "1993-01-09"),
        ("February 30, 2010", "None"),
        ("2010", "None"),
    ],
)
def test_days(line: str, day: str) -> None:
    assert str(day_in(line)) == day
