"""A report in a real browser: sort, filter, drill down, the link to a view, dark mode, hostile text, accessibility."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.data.fingerprint import fingerprint
from harness.report import drilldown
from harness.report.collect import Runs, load_runs
from harness.report.columns import UNPARSED, codes
from harness.report.compare import compare
from harness.report.marks import HARMED, MARKS, MEANINGS, SCALE, mark
from harness.report.table import labels, leaderboards
from harness.report.write import write_comparison, write_report
from harness.types import STANCES, Article, Dataset
from tests.browser.fonts import SETS, FontSet, environment
from tests.make_believe import HOSTILE, dataset, judge, results_folder, run, stance, summariser

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[test]'")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
if not CHROMIUM:
    pytest.skip("no chromium on the PATH: install it, or set CHROMIUM to its path", allow_module_level=True)

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
EVERYTHING = "main > section { content-visibility: visible !important; }"
"""Lays out the parts that are out of sight, too."""
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        yield driver.chromium


@pytest.fixture(scope="module")
def browser(chromium: Any) -> Iterator[Any]:
    running = chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, "--disable-sync"])
    yield running
    running.close()


@pytest.fixture(scope="module", params=SETS, ids=lambda fonts: fonts.name)
def typeset(request: pytest.FixtureRequest, chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser with one set of fonts alone."""
    seen = environment(request.param, tmp_path_factory.mktemp("fonts"))
    running = chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, "--disable-sync"], env=seen)
    yield running
    running.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return load_runs(results_folder(tmp_path_factory.mktemp("page"), resamples=100))


@pytest.fixture(scope="module")
def address(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("out")
    write_report(runs, leaderboards(runs), out)
    return (out / "index.html").as_uri()


class Tab:
    """The report in a tab of its own; fails the test on any console error, script error or request for anything else."""

    def __init__(self, browser: Any, url: str, **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("request", lambda r: self._own(r.url, url))
        self.page.on("dialog", lambda d: self.faults.append(f"dialog: {d.message}"))
        self.page.goto(url)
        self.page.wait_for_selector("#article h3")

    def _own(self, asked: str, url: str) -> None:
        if asked.partition("#")[0] != url.partition("#")[0]:
            self.faults.append(f"request: {asked}")

    def __enter__(self) -> Any:
        return self.page

    def __exit__(self, *_: object) -> None:
        self.context.close()
        assert self.faults == []


def count(page: Any) -> tuple[int, int]:
    """How many articles and pairs the page says match."""
    found = re.match(r"(\d+) of \d+ articles, (\d+) of \d+", page.inner_text("#count"))
    assert found
    return int(found.group(1)), int(found.group(2))


def wait(page: Any, condition: str) -> None:
    """Until a condition in the page's words holds; the page's policy forbids Playwright's own way of asking."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never: {condition}")


def column(page: Any, board: str, index: int) -> list[str]:
    """What the rows of a leaderboard sort by in a column, from top to bottom."""
    return list(
        page.eval_on_selector_all(
            f'table[data-board="{board}"] tbody tr', f"rows => rows.map(r => r.cells[{index}].dataset.v)"
        )
    )


def expected(runs: Runs, test: Any) -> tuple[int, int]:
    """Articles and pairs of which the test holds for any classifier's code beside gold."""
    items = runs.items
    told = [codes(runs, row) for row in runs.rows("stance")]
    found = [i for i in range(len(items)) if test(int(items.gold[i]), [int(t[i]) for t in told])]
    return len({int(items.article[i]) for i in found}), len(found)


def degree(code: int) -> int:
    return (STANCES[code].degree or 0) if 0 <= code < UNPARSED else 0


def sign(code: int) -> int:
    return (degree(code) > 0) - (degree(code) < 0)


def hostile(runs: Runs) -> Article:
    return next(a for a in runs.articles if HOSTILE in a.text)


def test_sorting_by_mouse_and_by_keyboard(browser: Any, address: str) -> None:
    with Tab(browser, address) as page:
        head = page.locator('table[data-board="stance"] thead th').nth(1)
        best = [float(v) for v in column(page, "stance", 1)]
        assert best == sorted(best, reverse=True)
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        head.locator("button").press("Enter")
        assert head.get_attribute("aria-sort") == "ascending"
        assert [float(v) for v in column(page, "stance", 1)] == sorted(best)
        page.locator('table[data-board="stance"] thead button').first.click()
        assert page.locator('table[data-board="stance"] [aria-sort]').count() == 1
        names = page.locator('table[data-board="stance"] .sys').all_inner_texts()
        assert names == sorted(names)
        # the first press puts the best on top, which is the smallest where lower is better
        ranks = page.locator('table[data-board="stance"] thead th.rank')
        ranks.locator("button").click()
        assert ranks.get_attribute("aria-sort") == "ascending"
        page.locator('table[data-board="stance"] thead button:visible').last.click()
        # a cost that nobody set is no column but a sentence
        assert "cost (no price" in page.text_content("#board-stance")


def test_filters_count_what_the_records_hold(browser: Any, address: str, runs: Runs) -> None:
    tests = {
        "wrong": lambda g, told: any(t == UNPARSED or sign(t) != sign(g) for t in told),
        "unparsed": lambda g, told: UNPARSED in told,
        "disagree": lambda g, told: len({t for t in told if t < UNPARSED}) > 1,
    }
    with Tab(browser, address) as page:
        assert count(page) == (len(runs.articles), len(runs.items))
        for name, test in tests.items():
            page.select_option("select[name=w]", name)
            assert count(page) == expected(runs, test), name
        page.select_option("select[name=w]", "flipped")
        page.select_option("select[name=sys]", "hasty")
        hasty = next(codes(runs, r) for r in runs.rows("stance") if r.name == "hasty")
        flips = sum(degree(int(g)) * degree(int(t)) < 0 for g, t in zip(runs.items.gold, hasty, strict=True))
        assert count(page)[1] == flips > 0
        page.click("#filters button[type=reset]")
        page.select_option("select[name=kind]", "fictional")
        assert count(page)[0] == sum(a.source.kind == "fictional" for a in runs.articles)
        page.select_option("select[name=kind]", "")
        phenomenon = runs.articles[0].gold.stances[0].phenomena[0] if runs.articles[0].gold else ""
        page.select_option("select[name=ph]", phenomenon)
        labelled = [p for a in runs.articles for p in a.gold_stances().values() if phenomenon in p.phenomena]
        assert count(page)[1] == len(labelled)
        page.click("#filters button[type=reset]")
        page.fill("input[name=q]", runs.articles[3].speakers[0].name)
        assert count(page)[0] >= 1
        page.fill("input[name=q]", "no article says this")
        assert count(page) == (0, 0)
        assert "No article matches" in page.inner_text("#article")


def test_drill_down_shows_text_evidence_and_answers(browser: Any, address: str, runs: Runs) -> None:
    article = next(a for a in runs.articles if HOSTILE not in a.text)
    with Tab(browser, address) as page:
        page.locator(f'[data-a="{article.id}"]').click()
        text = page.eval_on_selector("#article .text", "e => e.textContent")
        assert text == article.text.removeprefix(article.title).lstrip()
        marked = set(page.eval_on_selector_all("#article mark", "all => all.map(e => e.textContent)"))
        assert marked == {e.text for s in article.gold_stances().values() for e in s.evidence}
        rows = runs.rows("stance")
        told = {labels(rows)[row.fingerprint]: codes(runs, row) for row in rows}
        heads = page.locator(".stances thead th").all_inner_texts()
        assert heads[:3] == ["speaker", "target", "gold"]
        i = runs.items.index[article.id, article.speakers[0].id, "escalation"]
        shown = page.locator(".stances tbody tr").first.locator("td").all_inner_texts()[1:]
        for name, said in zip(heads[3:], shown[1:], strict=True):
            code = int(told[name][i])
            assert (STANCES[code].replace("_", " ") if code < UNPARSED else "unparsed") in said
        page.locator(".cast button").nth(1).click()
        only = {t.splitlines()[0] for t in page.locator(".stances tbody th").all_inner_texts()}
        assert only == {article.speakers[1].name}
        assert page.locator("#article mark:not(.off)").count() < len(marked)
        summaries = page.locator(".summary").all_inner_texts()
        assert len(summaries) == len(article.summaries) + len(runs.rows("summariser"))


def test_rows_of_a_speaker_share_a_heading_and_the_marks_are_explained(browser: Any, address: str, runs: Runs) -> None:
    article = next(a for a in runs.articles if HOSTILE not in a.text)
    with Tab(browser, f"{address}#a={article.id}") as page:
        spans = page.eval_on_selector_all(".stances tbody th", "all => all.map(e => e.rowSpan)")
        assert spans == [len(article.targets)] * len(article.speakers)
        legend = page.inner_text(".key-line")
        for words in (
            "✓ as gold",
            "½ right side, other degree",
            "✗ wrong side",
            "⇄ flipped",
            "−− oppose",
            "Press an answer",
        ):
            assert words in legend


def test_every_answer_has_the_mark_that_the_terminal_gives_it(browser: Any, address: str, runs: Runs) -> None:
    article = next(a for a in runs.articles if HOSTILE not in a.text)
    rows = {labels(runs.rows("stance"))[row.fingerprint]: codes(runs, row) for row in runs.rows("stance")}
    with Tab(browser, f"{address}#a={article.id}") as page:
        heads = page.locator(".stances thead th").all_inner_texts()[3:]
        table = page.locator(".stances tbody tr")
        seen = set()
        for n, (s, t) in enumerate(article.pairs()):
            i = runs.items.index[article.id, s.id, t.id]
            glyphs = [e.inner_text() for e in table.nth(n).locator(".say b").all()]
            told = [int(rows[name][i]) for name in heads]
            marks = [mark(STANCES[runs.items.gold[i]], None if c == UNPARSED else STANCES[c]) for c in told]
            assert glyphs == [MARKS[m][0] for m in marks]
            seen |= set(marks)
        assert seen >= {"right", "wrong"}


def test_prompt_and_raw_answer_are_exact(browser: Any, address: str, runs: Runs) -> None:
    row = next(r for r in runs.rows("stance") if r.name == "hasty")
    odd = hostile(runs)
    with Tab(browser, f"{address}#a={odd.id}") as page:
        heads = page.locator(".stances thead th").all_inner_texts()
        answers = [(r, p) for r, p in runs.answers(row) if r.article_id == odd.id]
        for n, (_, prediction) in enumerate(answers[:4]):
            assert prediction is not None
            cell = (
                page.locator(".stances tbody tr").nth(n).locator("td").nth(heads.index("hasty") - 1).locator("button")
            )
            cell.click()
            page.wait_for_selector("dialog[open]")
            raw, prompt = page.eval_on_selector_all("dialog pre", "all => all.map(e => e.textContent)")
            assert raw == prediction.answer.raw
            assert prompt == prediction.answer.prompt
            page.keyboard.press("Escape")
            assert page.locator("dialog[open]").count() == 0
            assert cell.evaluate("e => e === document.activeElement")


def test_a_raw_answer_that_found_no_room_says_how_much_is_missing(
    browser: Any, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drilldown, "MOST_BYTES", 0)
    monkeypatch.setattr(drilldown, "LONGEST", (20,))
    write_report(runs, leaderboards(runs), tmp_path)
    row = next(r for r in runs.rows("stance") if r.name == "careful")
    article = next(a for a in runs.articles if HOSTILE not in a.text)
    answer = next(p.answer for r, p in runs.answers(row) if r.article_id == article.id and p is not None)
    raw = answer.raw or ""
    with Tab(browser, f"{(tmp_path / 'index.html').as_uri()}#a={article.id}&sys=careful") as page:
        assert "left out: the ends of " in page.text_content(".problems")
        assert "left out: the prompts of careful, careful-twin" in page.text_content(".problems")
        page.locator(".stances .say").nth(1).click()
        page.wait_for_selector("dialog[open]")
        assert page.text_content("dialog pre") == raw[:20]
        assert f"{len(raw) - 20} more characters are left out of this page" in page.text_content("dialog .cut")


def test_hostile_article_and_answers_show_as_text(browser: Any, address: str, runs: Runs) -> None:
    odd = hostile(runs)
    with Tab(browser, f"{address}#a={odd.id}") as page:
        assert page.inner_text("#article h3") == odd.title
        assert HOSTILE in page.eval_on_selector("#article .text", "e => e.textContent")
        assert page.evaluate("window.pwned") is None
        assert page.locator("#article img, #article script, .problems script").count() == 0
        assert HOSTILE in page.eval_on_selector(".problems", "e => e.textContent")
        marked = set(page.eval_on_selector_all("#article mark", "all => all.map(e => e.textContent)"))
        assert marked == {e.text for s in odd.gold_stances().values() for e in s.evidence}, "emoji moved the evidence"


def test_link_reproduces_the_view(browser: Any, address: str) -> None:
    def view(page: Any) -> dict[str, Any]:
        return {
            "count": page.inner_text("#count"),
            "article": page.inner_text("#article h3"),
            "pressed": page.locator('.cast [aria-pressed="true"]').all_inner_texts(),
            "rows": page.locator(".stances tbody tr").all_inner_texts(),
            "order": page.locator('table[data-board="stance"] .sys').all_text_contents(),
            "selects": page.eval_on_selector_all("#filters select", "all => all.map(e => e.value)"),
        }

    with Tab(browser, address) as page:
        page.locator('table[data-board="stance"] thead button').nth(2).click()
        page.locator('table[data-board="stance"] thead button').nth(2).click()
        page.select_option("select[name=w]", "disagree")
        page.select_option("select[name=sys]", "hasty")
        page.locator("#list button").nth(2).click()
        page.locator(".cast button").nth(0).click()
        wanted = view(page)
        link = page.eval_on_selector("#link", "e => e.href")
        assert link == page.url
    with Tab(browser, link) as page:
        assert view(page) == wanted
        # a link inside the page moves to its part and keeps the view
        page.click('nav a[href="#reproduce"]')
        assert page.url == link
        assert page.evaluate("document.activeElement.id") == "reproduce"


def test_a_broken_link_shows_the_report(browser: Any, address: str) -> None:
    with Tab(browser, f"{address}#w=nonsense&a=no-such-article&sort-stance=99.d&sort-nothing=x&s=%3Cscript%3E") as page:
        assert count(page)[0] > 0
        assert page.locator("#article h3").count() > 0


def background(page: Any) -> int:
    return int(page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]"))


def test_dark_follows_the_system_and_the_button_and_paper_is_white(browser: Any, address: str) -> None:
    with Tab(browser, address, color_scheme="dark") as page:
        assert background(page) < 60
        page.click("#theme")
        assert background(page) > 200
        assert "light" in page.inner_text("#theme")
        page.reload()
        page.wait_for_selector("#article h3")
        assert background(page) > 200, "the choice is remembered"
        page.click("#theme")
        assert background(page) < 60
        page.emulate_media(media="print")
        assert background(page) == 255
        assert not page.is_visible("#filters")
        assert page.is_visible("table[data-board=stance]")


def test_phone_width_scrolls_nothing_sideways(typeset: Any, address: str) -> None:
    with Tab(typeset, address, viewport={"width": 390, "height": 844}) as page:
        page.add_style_tag(content=EVERYTHING)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        wide = """[...document.querySelectorAll('main *:not(.scroll *, dialog *, .sr, .defs *)')]
            .filter((e) => e.getBoundingClientRect().right > 391 && e.getBoundingClientRect().width > 0)
            .map((e) => e.outerHTML.slice(0, 120))"""
        assert page.evaluate(wide) == []


def test_what_is_wider_than_a_phone_shows_that_there_is_more(typeset: Any, address: str) -> None:
    with Tab(typeset, address, viewport={"width": 390, "height": 844}) as page:
        page.locator("#board-stance .scroll").scroll_into_view_if_needed()
        wait(page, "document.querySelector('#board-stance .scroll').classList.contains('more')")
        figures = "[...document.querySelectorAll('figure.fit svg, .multiples svg')]"
        page.locator("#picture-sides").scroll_into_view_if_needed()
        assert page.evaluate(f"{figures}.length") > 10
        assert page.evaluate(f"{figures}.every((e) => e.getBoundingClientRect().width <= 362)")


@pytest.mark.parametrize("width", [1280, 1440, 1920])
def test_no_column_is_cut_on_a_desktop_and_rare_ones_are_folded_first(typeset: Any, address: str, width: int) -> None:
    with Tab(typeset, address, viewport={"width": width, "height": 900}) as page:
        page.add_style_tag(content=EVERYTHING)
        board = page.locator("#board-summariser")
        board.scroll_into_view_if_needed()
        fold = board.locator(".fold button")
        wait(page, "document.querySelector('#board-summariser .fold button').textContent !== ''")
        heads = {head.text_content().strip().split("\n")[0]: head for head in board.locator("thead th").all()}
        edges = {n: h.evaluate("e => e.getBoundingClientRect().right") for n, h in heads.items() if h.is_visible()}
        assert any(n.startswith("memory") for n in edges), edges
        assert max(edges.values()) <= width, edges
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if width == 1920:
            assert len(edges) == len(heads), "everything has room"
        if len(edges) < len(heads):
            assert fold.inner_text().startswith("Show ROUGE-1")
            fold.click()
            assert all(head.is_visible() for head in heads.values())
            assert fold.get_attribute("aria-expanded") == "true"
            fold.click()
            assert not heads["words"].is_visible()


@pytest.mark.parametrize("width", [1280, 1920])
def test_text_and_stances_are_side_by_side_on_a_desktop(typeset: Any, address: str, width: int) -> None:
    with Tab(typeset, address, viewport={"width": width, "height": 900}) as page:
        page.locator(".beside").scroll_into_view_if_needed()
        text, table = (page.locator(f"#article {part}").bounding_box() for part in (".text", ".scroll"))
        assert text["width"] > 300
        assert text["x"] + text["width"] < table["x"]
        assert text["y"] < table["y"] < text["y"] + text["height"]
        assert table["x"] + table["width"] <= width
        # what is pressed on the right is seen on the left
        page.locator(".cast button").last.click()
        wait(page, "document.querySelector('.cast [aria-pressed=\"true\"]') !== null")
        inside = """() => { const e = document.querySelector('mark:not(.off)').getBoundingClientRect(),
            f = document.querySelector('#article .text').getBoundingClientRect(); return e.top >= f.top && e.bottom <= f.bottom; }"""
        assert page.evaluate(inside)


def test_a_phone_goes_down_to_the_article_and_up_to_the_list(typeset: Any, address: str) -> None:
    with Tab(typeset, address, viewport={"width": 390, "height": 844}, reduced_motion="reduce") as page:
        page.locator("#list button").nth(2).click()
        wait(page, "Math.abs(document.querySelector('#article').getBoundingClientRect().top) < 60")
        page.mouse.wheel(0, 900)
        up = page.locator(".up")
        wait(page, "document.querySelector('.up').getBoundingClientRect().bottom <= innerHeight")
        up.click()
        wait(page, "document.querySelector('#list').getBoundingClientRect().top < 200")
        assert page.evaluate("document.activeElement.getAttribute('aria-current')") == "true"


def test_digits_are_as_wide_in_every_font(chromium: Any, address: str, tmp_path: Path) -> None:
    widths = []
    for fonts in SETS:
        running = chromium.launch(executable_path=CHROMIUM, args=FLAGS, env=environment(fonts, tmp_path))
        with Tab(running, address) as page:
            widths.append(page.locator("table[data-board=stance] .v").first.evaluate("e => e.offsetWidth"))
        running.close()
    assert max(widths) - min(widths) <= 1, dict(zip((fonts.name for fonts in SETS), widths, strict=True))


@pytest.mark.skipif(not shutil.which("fc-list"), reason="fc-list is not installed: apt-get install fontconfig")
@pytest.mark.parametrize("fonts", SETS, ids=lambda fonts: fonts.name)
def test_every_sign_is_in_the_fonts(fonts: FontSet, tmp_path: Path) -> None:
    signs = [*MEANINGS, *(sign for sign, _ in MARKS.values()), *SCALE, HARMED]
    for character in sorted(set("".join(signs))):
        query = ["fc-list", f":charset={ord(character):x}", "family"]
        families = subprocess.run(
            query, env=environment(fonts, tmp_path), check=True, capture_output=True, text=True
        ).stdout
        assert families.strip(), f"{character} is in none of {fonts.name}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_became_of_stances_is_told_apart_in_grey(browser: Any, address: str, scheme: str) -> None:
    with Tab(browser, address, color_scheme=scheme) as page:
        page.add_style_tag(content=EVERYTHING)
        kinds = ("kept", "flat", "dropped", "flip", "harm")
        fills = [page.locator(f".fate-{k}").first.evaluate("e => getComputedStyle(e).fill") for k in kinds]
        assert len(set(fills)) == len(kinds)
        solid = [[int(v) for v in re.findall(r"\d+", fill)[:3]] for fill in fills if fill.startswith("rgb")]
        greys = sorted(0.299 * r + 0.587 * g + 0.114 * b for r, g, b in solid)
        assert all(y - x > 60 for x, y in itertools.pairwise(greys)), dict(zip(kinds, fills, strict=True))


def test_paper_has_room_for_every_table(typeset: Any, address: str) -> None:
    with Tab(typeset, address, viewport={"width": 703, "height": 1000}) as page:  # A4 less its margins
        page.emulate_media(media="print")
        page.add_style_tag(content=EVERYTHING)
        right = "all => all.map((e) => Math.round(e.getBoundingClientRect().right))"
        upright = page.eval_on_selector_all("main > section:not(.board) table, figure svg", right)
        assert len(upright) > 10
        assert max(upright) <= 703
        assert page.is_visible(".key-line")
        assert not page.is_visible(".stances td:not(.gold) .w")
        # leaderboards are printed across
        page.set_viewport_size({"width": 1032, "height": 700})
        across = page.eval_on_selector_all(".board table", right)
        assert len(across) >= 2
        assert max(across) <= 1032


@pytest.fixture(scope="module")
def without_gold(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("without-gold")
    labelled = dataset(4, hostile=True)
    articles = tuple(replace(a, gold=None, summaries=()) for a in labelled.articles)
    data = Dataset("texts", "0", articles, fingerprint(articles))
    for name, error in (("one", 0.1), ("other", 0.6)):
        run(folder, data, stance=judge(name, error))
    run(folder, data, summariser=summariser("terse", 0.6), judge=judge("reader", 0.0))
    runs = load_runs(folder)
    write_report(runs, leaderboards(runs), folder / "out")
    return (folder / "out" / "index.html").as_uri()


def test_without_gold_suspicions_and_disputes_lead_to_the_article(browser: Any, without_gold: str) -> None:
    with Tab(browser, without_gold) as page:
        assert "Nothing was scored" in page.text_content("#verdict")
        assert page.locator(".suspects li blockquote").count() > 3
        assert page.locator("#suspected script, #suspected img").count() == 0
        spreads = [int(n) for n in page.locator("#disputed td.n").all_text_contents()]
        assert spreads == sorted(spreads, reverse=True)
        assert spreads[0] >= 2
        row = page.locator("#disputed tbody tr").first
        speaker = row.locator("th").text_content()
        row.locator("a").click()
        wait(page, "document.querySelector('.cast [aria-pressed=\"true\"]') !== null")
        assert page.locator('.cast [aria-pressed="true"] .sp').inner_text() == speaker
        assert page.locator(".stances thead th").all_inner_texts() == ["speaker", "target", "one", "other"]
        page.select_option("select[name=w]", "dropped")
        assert count(page)[1] > 0


@pytest.fixture(scope="module")
def comparison(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Writes the page that compares two systems' runs; gives its address."""

    def page(a: str, b: str) -> str:
        ids = [
            next(r.run.run_id for kind in ("summariser", "stance") for r in runs.rows(kind) if r.name == n)
            for n in (a, b)
        ]
        out = tmp_path_factory.mktemp("pair") / "pair.html"
        write_comparison(*ids, runs.results, compare(*ids, runs.results), page=out)
        return out.as_uri()

    return page


@pytest.mark.parametrize("pair", [("thorough", "terse"), ("careful", "hasty")], ids=["summarisers", "classifiers"])
def test_where_two_systems_part_most_leads_to_the_article(browser: Any, comparison: Any, pair: tuple[str, str]) -> None:
    with Tab(browser, comparison(*pair)) as page:
        link = page.locator(".apart a").nth(1)
        wanted = link.inner_text()
        link.click()
        wait(page, f"document.querySelector('#article .meta')?.textContent.startsWith('{wanted} ')")
        assert count(page)[0] > 0
        assert page.locator("#article .summary" if pair[0] == "thorough" else "#article .stances").count() > 0


def test_keyboard_alone_reaches_everything(browser: Any, address: str) -> None:
    with Tab(browser, address) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.locator("#list button").first.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert page.locator("#list button").nth(1).get_attribute("aria-current") == "true"
        assert page.evaluate("document.activeElement === document.querySelectorAll('#list button')[1]")
        page.locator(".cast button").first.focus()
        page.keyboard.press("Space")
        assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Runs]:
    """A page with more articles than its list shows at first, and more classifiers than its table does."""
    folder = tmp_path_factory.mktemp("many")
    data = dataset(64, 2)
    for i in range(14):
        run(folder, data, stance=stance(f"classifier-{i:02d}", i / 20), resamples=100)
    found = load_runs(folder)
    write_report(found, leaderboards(found), folder / "out")
    return (folder / "out" / "index.html").as_uri(), found


FOCUS = "[...document.querySelectorAll('{}')].indexOf(document.activeElement)"


def test_focus_stays_where_more_is_shown(browser: Any, many: tuple[str, Runs]) -> None:
    with Tab(browser, many[0]) as page:
        assert page.locator("#list button").count() == 61
        page.locator("#list button").last.focus()
        page.keyboard.press("Enter")
        assert page.locator("#list button").count() == 64
        assert page.evaluate(FOCUS.format("#list button")) == 60, "the first one that was not there before"
        toggle = page.locator("#article .toggle")
        assert toggle.inner_text() == "Show the other 2 classifiers too"
        toggle.focus()
        page.keyboard.press("Enter")
        wait(page, "document.querySelector('#article .toggle').textContent === 'Show only what matches'")
        wait(page, f"{FOCUS.format('#article .toggle')} === 0")
        page.keyboard.press("Enter")
        wait(page, "document.querySelector('#article .toggle').textContent !== 'Show only what matches'")
        wait(page, f"{FOCUS.format('#article .toggle')} === 0")


def test_paper_has_room_for_the_answers_of_twelve_classifiers(typeset: Any, many: tuple[str, Runs]) -> None:
    with Tab(typeset, many[0], viewport={"width": 703, "height": 1000}) as page:
        page.emulate_media(media="print")
        assert page.locator(".stances thead th").count() == 15
        assert page.evaluate("document.querySelector('.stances').getBoundingClientRect().right") <= 703


def test_a_link_to_a_late_article_shows_its_entry(browser: Any, many: tuple[str, Runs]) -> None:
    last = many[1].articles[-1].id
    with Tab(browser, f"{many[0]}#a={last}") as page:
        current = page.locator('#list [aria-current="true"]')
        assert current.get_attribute("data-a") == last
        inside = """() => { const e = document.querySelector('#list [aria-current]').getBoundingClientRect(),
            f = document.querySelector('#list').getBoundingClientRect(); return e.top >= f.top - 2 && e.bottom <= f.bottom + 2; }"""
        assert page.evaluate(inside)


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci --prefix tests/browser")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(browser: Any, address: str, runs: Runs, scheme: str, width: int) -> None:
    size = {"width": width, "height": 900}
    with Tab(browser, f"{address}#a={hostile(runs).id}", color_scheme=scheme, viewport=size) as page:
        # parts out of sight are judged like the rest
        page.add_style_tag(content=EVERYTHING)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        assert serious(page) == []
        for details in page.locator("details").all():
            details.evaluate("e => { e.open = true; }")
        page.locator(".stances .say").last.click()
        page.wait_for_selector("dialog[open]")
        assert serious(page) == []


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci --prefix tests/browser")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_without_gold(browser: Any, without_gold: str, scheme: str) -> None:
    with Tab(browser, without_gold, color_scheme=scheme) as page:
        page.add_style_tag(content=EVERYTHING)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        assert serious(page) == []


def serious(page: Any) -> list[str]:
    found = page.evaluate("axe.run()")["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found if v["impact"] in ("serious", "critical")]
