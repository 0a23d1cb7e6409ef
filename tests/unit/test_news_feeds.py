"""ninjs 1 to 3 and NewsML-G2: headline, by, day and the plainest body; items without a body; nothing vanishes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.data.formats.markup import body_of, plain_text
from harness.data.formats.newsml import load as load_newsml
from harness.data.formats.ninjs import load as load_ninjs
from harness.errors import DataError, Place
from harness.types import Article

HTML = '<section class="main"><p>The <a href="https://x">mayor</a>&nbsp;said\n “no”.</p>\n<ul><li>First</li></ul><p>Bye.</p></section>'
BODY = "The mayor said “no”.\n\n* First\n\nBye."

ONE: dict[str, Any] = {
    "uri": "http://agency.example/1",
    "type": "text",
    "versioncreated": "2013-07-09T10:37:00Z",
    "copyrightnotice": "Copyright 2013 Agency",
    "language": "en-GB",
    "byline": "Ada Brandt",
    "headline": "Mayor says <b>no</b>",
    "body_xhtml": HTML,
    "subject": [{"code": "medtop:16000000"}],
}
TWO: dict[str, Any] = {
    "uri": "urn:newsml:agency:2",
    "version": "2",
    "versioncreated": "2019-05-10T16:02:28+02:00",
    "firstcreated": "2019-05-09T16:02:28+02:00",
    "copyrightholder": "Agency",
    "language": "de",
    "by": "Von Ada Brandt",
    "headlines": [{"role": "alt", "value": "Other"}, {"role": "main", "value": "Mayor says no"}],
    "bodies": [{"role": "html", "contenttype": "text/html", "value": HTML}],
}
THREE: dict[str, Any] = {
    "uri": "https://agency.example/3",
    "standard": {"name": "ninjs", "version": "3.0", "schema": "http://www.iptc.org/std/ninjs/ninjs-schema_3.0.json"},
    "versionCreated": "2023-10-08T02:34:03+02:00",
    "provider": {"name": "Agency", "uri": "x"},
    "by": "Ada Brandt",
    "title": "Mayor",
    "headlines": [{"role": "main", "value": "Mayor says no"}],
    "bodies": [
        {
            "role": "nitf",
            "contentType": "text/vnd.IPTC.NITF",
            "value": "<nitf><body><body.content><p>x</p></body.content></body></nitf>",
        },
        {
            "role": "plain",
            "contentType": "text/plain",
            "wordCount": 5,
            "value": "The mayor said “no”.\r\n\r\n* First\r\n\r\nBye.",
        },
    ],
    "associations": [{"name": "photo"}],
}


def key(article: Article) -> tuple[str, str, str | None, str, str]:
    return article.title, str(article.source.date), article.source.publisher, article.language, article.text


@pytest.mark.parametrize(
    ("item", "wanted", "lost"),
    [
        (ONE, ("Mayor says no", "2013-07-09", None, "en", BODY), {"`subject` is not read"}),
        (TWO, ("Mayor says no", "2019-05-09", "Agency", "de", BODY), {"further headlines are not carried"}),
        (
            THREE,
            ("Mayor says no", "2023-10-08", "Agency", "en", BODY),
            {
                "`associations` is not read",
                "`provider.uri` is not read",
                "`title` is not read",
                "further forms of the body are not carried",
            },
        ),
    ],
    ids=["1", "2", "3"],
)
def test_ninjs(item: dict[str, Any], wanted: Any, lost: set[str], tmp_path: Path) -> None:
    (tmp_path / "item.json").write_text(json.dumps(item), encoding="utf-8")
    imported = load_ninjs(tmp_path / "item.json", {})
    [article] = imported.articles
    assert key(article) == wanted
    assert "Ada Brandt" in str(article.source.note)
    assert {x.what for x in imported.losses} == lost


def test_ninjs_in_lists_lines_and_folders(tmp_path: Path) -> None:
    picture = {"uri": "http://agency.example/4", "type": "picture", "headline": "A view"}
    (tmp_path / "a.json").write_text(json.dumps([ONE, picture]), encoding="utf-8")
    (tmp_path / "b.jsonl").write_text(json.dumps(TWO) + "\n" + json.dumps(THREE) + "\n", encoding="utf-8")
    imported = load_ninjs(tmp_path, {})
    assert len(imported.articles) == 3
    assert "an item without a body (a picture, an event) is left out" in {x.what for x in imported.losses}
    (tmp_path / "c.json").write_text('{"text": "x"}', encoding="utf-8")
    with pytest.raises(DataError, match=r"c\.json: has no `uri`"):
        load_ninjs(tmp_path, {})


NITF = """<inlineXML contenttype="application/nitf+xml"><nitf xmlns="http://iptc.org/std/NITF/2006-10-18/"><body><body.head>
<hedline><hl1>Mayor says no</hl1></hedline></body.head><body.content><block><p>The mayor
  said <em>“no”</em>.</p><media><media-caption><p>A picture</p></media-caption></media></block><p>Bye.</p></body.content></body>
</nitf></inlineXML>"""
XHTML = """<inlineXML contenttype="application/xhtml+xml"><html xmlns="http://www.w3.org/1999/xhtml"><head><title>T</title></head>
<body><p>The mayor said “no”.</p><p>Bye.</p></body></html></inlineXML>"""
PLAIN = '<inlineData contenttype="text/plain">The mayor said “no”.\n\nBye.</inlineData>'


def item(content: str, guid: str = "urn:newsml:agency:1") -> str:
    return f"""<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="{guid}" version="11" standard="NewsML-G2" xml:lang="en-US">
<catalogRef href="http://www.iptc.org/std/catalog/catalog.IPTC-G2-Standards_32.xml" />
<rightsInfo><copyrightHolder><name>Holder</name></copyrightHolder><copyrightNotice>Copyright 2018 Agency</copyrightNotice></rightsInfo>
<itemMeta><itemClass qcode="ninat:text"/><provider uri="x"><name>Agency</name></provider>
<versionCreated>2018-11-21T16:25:32-05:00</versionCreated></itemMeta>
<contentMeta><contentCreated>2016-11-21T15:21:06-05:00</contentCreated><located><name>New York</name></located>
<creator uri="y"><name>Ada Brandt</name></creator><language tag="en-US"/><subject qcode="medtop:04000000"/>
<headline> Mayor
 says <a href="x">no</a></headline></contentMeta><contentSet>{content}</contentSet></newsItem>"""


@pytest.mark.parametrize("content", [NITF, XHTML, PLAIN, NITF + PLAIN])
def test_newsml(content: str, tmp_path: Path) -> None:
    (tmp_path / "item.xml").write_text('<?xml version="1.0" encoding="UTF-8"?>' + item(content), encoding="utf-8")
    imported = load_newsml(tmp_path / "item.xml", {})
    [article] = imported.articles
    assert key(article) == ("Mayor says no", "2016-11-21", "Agency", "en", "The mayor said “no”.\n\nBye.")
    assert article.source.licence == "Copyright 2018 Agency"
    assert article.source.note == "by: Ada Brandt; located: New York; guid: urn:newsml:agency:1"
    lost = {
        NITF: {"`body.head` of the text's markup is not carried", "`media` of the text's markup is not carried"},
        XHTML: {"`head` of the text's markup is not carried"},
        NITF + PLAIN: {"further forms of the text are not carried"},
    }
    assert {x.what for x in imported.losses} == {"`subject` is not carried"} | lost.get(content, set())


@pytest.mark.parametrize("content", [NITF, XHTML])
def test_what_stands_beside_the_text_is_not_taken_for_it(content: str, tmp_path: Path) -> None:
    strange = content.replace('+xml">', '+xml"><!-- no text --><caption_zz>A picture</caption_zz>', 1)
    (tmp_path / "item.xml").write_text(item(strange), encoding="utf-8")
    imported = load_newsml(tmp_path / "item.xml", {})
    assert [a.text for a in imported.articles] == ["The mayor said “no”.\n\nBye."]
    assert "`caption_zz` is not carried" in {x.what for x in imported.losses}


def test_the_words_of_markup_are_in_the_text_or_listed(tmp_path: Path) -> None:
    other = "<inlineXML><doc><p>Not HTML by its name.</p></doc></inlineXML>"
    commented = PLAIN.replace("\n\n", "<!-- cut -->\n\n")
    (tmp_path / "item.xml").write_text(item(commented + other), encoding="utf-8")
    imported = load_newsml(tmp_path / "item.xml", {})
    assert [a.text for a in imported.articles] == ["The mayor said “no”.\n\nBye."]
    assert {x.what for x in imported.losses} == {"`subject` is not carried", "`doc` is not carried"}
    loose = NITF.replace("<p>Bye.</p>", "<p>Bye.</p>Loose words.<table_zz>A table</table_zz>")
    (tmp_path / "item.xml").write_text(item(loose), encoding="utf-8")
    names = {x.what.split("`")[1] for x in load_newsml(tmp_path / "item.xml", {}).losses}
    assert names == {"subject", "body.head", "media", "body.content", "table_zz"}


def test_newsml_messages_of_many(tmp_path: Path) -> None:
    raw = (
        f'<newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><header/><itemSet><packageItem/>{item(PLAIN)}'
        f"{item(XHTML, 'https://agency.example/2')}{item('<remoteContent/>')}</itemSet></newsMessage>"
    )
    (tmp_path / "many.xml").write_text(raw, encoding="utf-8")
    imported = load_newsml(tmp_path / "many.xml", {})
    assert [a.source.url for a in imported.articles].count("https://agency.example/2") == 1
    assert len(imported.articles) == 2
    assert {x.what for x in imported.losses} == {
        "`packageItem` holds no text: left out",
        "`head` of the text's markup is not carried",
        "an item without inline text is left out",
        "`subject` is not carried",
    }


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("<newsItem>", "item.xml:1: not well-formed XML"),
        ('<!DOCTYPE x [<!ENTITY e "y">]><newsItem/>', "has a document type"),
        ("<NewsML/>", "is NewsML 1"),
        ("<other/>", "holds no NewsML-G2 item with inline text"),
    ],
)
def test_newsml_that_is_none(raw: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "item.xml").write_text(raw, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_newsml(tmp_path / "item.xml", {})


def test_markup_as_text() -> None:
    assert plain_text("<p>one<br/>two</p><script>x()</script><p>three</p>") == "one\ntwo\n\nthree"
    assert body_of("1 < 2 and 3 > 2", "", Place("x")).text == "1 < 2 and 3 > 2"
