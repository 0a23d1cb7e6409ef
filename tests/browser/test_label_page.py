"""The labelling page in a real browser: from a fresh article to valid gold, two tabs, the keyboard alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.data.frozen_set import (
    FrozenArticle,
    FrozenSummary,
    SummaryLabel,
    read_frozen_set,
    text_hash,
    write_frozen_article,
)
from harness.data.load import load_dataset, read_dataset
from harness.results.store import PredictionStore
from harness.types import Answer, Item, Stance
from tests.conftest import write_dataset
from tests.labelling import TEXT, Server, label_server, write_fresh

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[test]'")
pytest.importorskip("uvicorn")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
if not CHROMIUM:
    pytest.skip("no chromium on the PATH: install it, or set CHROMIUM to its path", allow_module_level=True)

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_fresh(tmp_path / "river", ("fresh-one", "fresh-two"))


class Page:
    """A tab with the labelling page; fails the test on any script error or request that leaves this machine."""

    def __init__(self, browser: Any, server: Server, article: str = "fresh-one", **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda r: self._local(r.url, server.base))
        self.page.goto(f"{server.url}/{article}")
        self.ready()

    def _local(self, url: str, base: str) -> None:
        if not url.startswith((base, "data:")):
            self.faults.append(f"foreign request: {url}")

    def ready(self) -> None:
        self.page.wait_for_selector("html[data-ready]", timeout=20_000)

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()
        assert self.faults == []

    def keys(self, *names: str) -> None:
        for name in names:
            self.page.keyboard.press(name)

    def type(self, words: str) -> None:
        self.page.keyboard.type(words)

    def status(self, words: str) -> None:
        """Waits until the save line says so."""
        self.page.wait_for_function("w => document.getElementById('saved').textContent.includes(w)", arg=words)

    def select(self, words: str) -> None:
        """Chooses words in the text as a mouse does."""
        self.page.evaluate(
            """words => {
                const node = document.getElementById('text').firstChild;
                const start = node.data.indexOf(words);
                const range = new Range();
                range.setStart(node, start);
                range.setEnd(node, start + words.length);
                getSelection().removeAllRanges();
                getSelection().addRange(range);
            }""",
            words,
        )
        self.page.wait_for_function("() => document.getElementById('chosen').textContent.startsWith('Chosen')")

    def cell(self, speaker: str, target: str) -> Any:
        return self.page.locator(f'[data-key="cell {speaker} {target}"]')


def annotation(folder: Path, name: str, article: str = "fresh-one") -> dict[tuple[str, str], Any]:
    found = {a.annotator: a for a in load_dataset(folder).article(article).annotations}
    return {(s.speaker, s.target): s for s in found[name].stances} if name in found else {}


def declare(page: Page) -> None:
    """Two speakers and a target, by mouse."""
    page.select("Ada Brandt")
    page.page.get_by_role("button", name="Speaker a").click()
    page.page.get_by_role("dialog").get_by_label("Aliases").fill("Brandt")
    page.page.get_by_role("dialog").get_by_label("main: a summary").check()
    page.page.get_by_role("button", name="Keep").click()
    page.select("General Olm")
    page.page.get_by_role("button", name="Speaker a").click()
    page.page.get_by_role("dialog").get_by_label("main: a summary").check()
    page.page.get_by_role("button", name="Keep").click()
    page.page.get_by_role("button", name="Target p").click()
    page.page.locator("dialog [name=proposition]").fill("The council may shut the gates.")
    page.page.locator("dialog [name=id]").fill("gates")
    page.page.get_by_role("button", name="Keep").click()


def label_all(page: Page, gates: str = "support") -> None:
    page.cell("ada-brandt", "gates").click()
    page.select("demanded that the gates be shut")
    page.page.locator(f'[data-key="label {gates}"]').click()
    page.cell("ada-brandt", "escalation").click()
    page.select("👩🏽‍⚖️ demanded that the gates")
    page.page.locator('[data-key="label support"]').click()
    for target in ("gates", "escalation"):
        page.cell("general-olm", target).click()
        page.select("warned that shutting them would bring war")
        page.page.locator('[data-key="label oppose"]').click()


def test_a_person_labels_a_fresh_article_reloads_edits_and_two_more_finish_it(
    browser: Any, folder: Path, harness: Any
) -> None:
    with label_server(folder, "--annotator", "ann") as server, Page(browser, server) as page:
        declare(page)
        label_all(page)
        summary = page.page.get_by_label("Your summary")
        summary.fill("The minister demands that the gates be shut.")
        page.page.wait_for_function(
            "() => document.getElementById('left-out').textContent.includes('Still left out: ')"
        )
        assert "General Olm" in page.page.inner_text("#left-out")
        assert "8 words, 42 to go" in page.page.inner_text("#word-count")
        summary.fill("Ada Brandt demands that the gates be shut; General Olm warns of war.")
        page.page.wait_for_function("() => document.getElementById('left-out').textContent.includes('Every main')")
        page.status("Saved in fresh-one.yaml")
        assert "1 of 2 done" in page.page.inner_text("#count")
        assert "no problem found" in harness("data", "validate", str(folder)).stdout
        mine = annotation(folder, "ann")
        evidence = mine["ada-brandt", "escalation"].evidence[0]
        assert evidence.text == "👩🏽‍⚖️ demanded that the gates" == TEXT[evidence.start : evidence.end]

        page.page.reload()
        page.ready()
        assert page.cell("general-olm", "gates").inner_text() == "−2"
        page.cell("general-olm", "gates").click()
        page.page.locator("[data-key=act]").select_option("warn")
        page.page.locator("[data-key=confidence]").select_option("2")
        page.page.locator("[data-key=note]").fill("he only warns")
        page.page.locator("summary[data-key=phenomena]").click()
        page.page.locator("[data-key='tag warning']").check()
        page.keys("Control+s")
        page.page.wait_for_timeout(900)
        page.status("Saved in")
        label = annotation(folder, "ann")["general-olm", "gates"]
        assert (label.act, label.confidence, label.note, label.phenomena) == ("warn", 2, "he only warns", ("warning",))
        text = (folder / "articles" / "fresh-one.yaml").read_text(encoding="utf-8")
        assert text.startswith("# drafted by hand\n") and "# one event an article" in text

    with label_server(folder, "--annotator", "ben", "--blind") as server, Page(browser, server) as page:
        shown = page.page.inner_text("body")
        assert "he only warns" not in shown and "ann" not in shown.split() and "Summaries by others" not in shown
        assert page.cell("general-olm", "gates").inner_text() == "·"
        label_all(page, "lean_support")
        page.status("Saved in")
        assert str(annotation(folder, "ben")["ada-brandt", "gates"].stance) == "lean_support"

    with label_server(folder, "--annotator", "cleo", "--adjudicate") as server, Page(browser, server) as page:
        assert "3 of 4" in page.page.inner_text("#grid")
        page.keys("d")
        assert "ada-brandt gates" in page.page.evaluate("() => document.activeElement.dataset.key")
        assert page.page.locator(".sides section").count() == 2
        page.keys("]")
        page.page.get_by_text("gold needs a reason").wait_for()
        assert load_dataset(folder).article("fresh-one").gold is None
        page.keys("r")
        page.type("a demand is full")
        page.keys("Escape", "[")
        page.status("Saved in")
        gold = load_dataset(folder).article("fresh-one").gold_stances()["ada-brandt", "gates"]
        assert (str(gold.stance), gold.reason) == ("support", "a demand is full")
    assert "no problem found" in harness("data", "validate", str(folder)).stdout


def test_the_keyboard_alone_suffices(browser: Any, folder: Path) -> None:
    with label_server(folder, "--annotator", "ann") as server, Page(browser, server) as page:
        page.keys("t", "ArrowDown", "ArrowDown")
        chosen = page.page.inner_text("#chosen")
        assert "Ada Brandt" in chosen
        page.keys("ArrowLeft")  # the word before the end of the sentence
        for _ in range(40):
            if page.page.inner_text("#chosen") == "Chosen: Ada":
                break
            page.keys("ArrowLeft")
        page.keys("Shift+ArrowRight")
        assert page.page.inner_text("#chosen") == "Chosen: Ada Brandt"
        page.keys("a", "Tab", "Tab", "Tab", "Tab", "Tab", "Space", "Enter")
        page.cell("ada-brandt", "escalation").wait_for()
        page.keys("p")
        page.type("The council may shut the gates.")
        page.keys("Tab")
        page.type("gates")
        page.keys("Enter")
        page.cell("ada-brandt", "gates").wait_for()
        page.keys("Escape", "m")
        for name in ("escalation", "gates"):
            page.keys("m", "ArrowLeft" if name == "escalation" else "ArrowRight", "t", "Home", "ArrowDown", "S")
            assert page.cell("ada-brandt", name).inner_text() == "+2"
        page.keys("w")
        page.type("Ada Brandt wants it.")
        page.keys("Escape")
        assert page.page.evaluate("() => document.activeElement.getAttribute('role')") == "gridcell"
        page.status("Saved in fresh-one.yaml")
        stances = annotation(folder, "ann")
        assert {str(s.stance) for s in stances.values()} == {"support"} and len(stances) == 2

        page.keys("Delete")
        page.status("1 to do")
        page.keys("Control+z")
        page.status("Saved in")
        page.keys("Control+Shift+z")
        page.status("1 to do")
        page.keys(".", "-")
        page.status("Saved in")
        page.keys("j")
        page.page.wait_for_function("() => location.hash.endsWith('/fresh-two')")
        page.keys("g")
        assert "Label what the text says." in page.page.inner_text("#side")
        page.keys("?")
        assert page.page.get_by_role("dialog", name="Keys").is_visible()
        page.keys("Escape")
        assert not page.page.get_by_role("dialog", name="Keys").is_visible()


def test_focus_is_visible_and_everything_has_a_name(browser: Any, folder: Path) -> None:
    with label_server(folder, "--annotator", "ann") as server, Page(browser, server) as page:
        declare(page)
        label_all(page)
        page.page.mouse.click(2, 795)
        seen: set[str] = set()
        for _ in range(60):
            page.keys("Tab")
            name, outline = page.page.evaluate(
                """() => { const e = document.activeElement;
                    const label = e.getAttribute('aria-label') || e.innerText || e.labels?.[0]?.innerText
                        || document.getElementById(e.getAttribute('aria-describedby'))?.textContent || '';
                    return [label.trim(), e === document.body ? 'body' : getComputedStyle(e).outlineStyle]; }"""
            )
            if outline == "body":
                continue
            assert name, "an element without a name"
            assert outline not in {"none", ""}, name
            seen.add(name)
        assert len(seen) > 15


@pytest.mark.parametrize("how", ["mine", "theirs"])
def test_two_tabs_on_one_article(browser: Any, folder: Path, how: str) -> None:
    with label_server(folder, "--annotator", "ann") as server, Page(browser, server) as one:
        declare(one)
        label_all(one)
        one.status("Saved in")
        with Page(browser, server) as two:
            one.cell("ada-brandt", "gates").click()
            one.keys("s")
            one.status("Saved in")
            one.page.wait_for_timeout(900)
            assert str(annotation(folder, "ann")["ada-brandt", "gates"].stance) == "lean_support"
            two.cell("ada-brandt", "gates").click()
            two.keys("n")
            two.cell("general-olm", "gates").click()
            two.keys("o")
            view = two.page.get_by_role("dialog", name="changed elsewhere")
            view.wait_for()
            assert str(annotation(folder, "ann")["ada-brandt", "gates"].stance) == "lean_support", "not overwritten"
            two.keys("Escape")
            view.wait_for()
            view.get_by_role("button", name="Keep what is chosen").click()
            assert "choose one of each" in view.inner_text()
            view.locator(f"tr.both input[value={how}]").check()
            view.get_by_role("button", name="Keep what is chosen").click()
            two.status("Saved in")
            two.page.wait_for_timeout(300)
            stances = annotation(folder, "ann")
            kept = "neutral" if how == "mine" else "lean_support"
            assert str(stances["ada-brandt", "gates"].stance) == kept
            assert str(stances["general-olm", "gates"].stance) == "lean_oppose", "changed in one tab only"


def test_unsaved_work_survives_a_reload_when_the_server_is_gone(browser: Any, folder: Path) -> None:
    with label_server(folder, "--annotator", "ann") as server, Page(browser, server) as page:
        page.page.route(
            "**/api/articles/*", lambda route: route.abort() if route.request.method == "PUT" else route.continue_()
        )
        declare(page)
        page.status("Not saved: the server does not answer")
        page.page.unroute("**/api/articles/*")
        page.page.on("dialog", lambda dialog: dialog.accept())
        page.page.reload()
        page.ready()
        page.cell("ada-brandt", "gates").wait_for()
        page.status("4 to do")
        assert len(load_dataset(folder).article("fresh-one").speakers) == 2


def test_a_machine_s_label_is_marked_and_saved_only_when_confirmed(browser: Any, folder: Path, tmp_path: Path) -> None:
    with label_server(folder, "--annotator", "ann") as server, Page(browser, server) as page:
        declare(page)
        page.status("4 to do")
    article = load_dataset(folder).article("fresh-one")
    answers = [
        (f"k{i}", Item(article, speaker, target), Answer(label=Stance.SUPPORT))
        for i, (speaker, target) in enumerate(article.pairs())
    ]
    PredictionStore(tmp_path / "results" / "predictions").write("tiny", "0123456789abcdef", "stance", answers)
    options = ["--suggest", "tiny", "--results", str(tmp_path / "results")]
    with label_server(folder, "--annotator", "ann", *options) as server, Page(browser, server) as page:
        cell = page.cell("ada-brandt", "gates")
        assert "machine" in (cell.get_attribute("class") or "") and "machine says support" in (
            cell.get_attribute("aria-label") or ""
        )
        cell.click()
        page.select("demanded that the gates be shut")
        page.keys("y")
        page.status("3 to do")
        assert "machine" not in (cell.get_attribute("class") or "")
        draft = json.loads((folder / ".drafts" / "ann" / "fresh-one.json").read_text(encoding="utf-8"))
        assert [(s["speaker"], s["target"]) for s in draft["document"]["stances"]] == [("ada-brandt", "gates")]
    assert not annotation(folder, "ann")


def test_evidence_keeps_whole_characters(browser: Any, folder: Path) -> None:
    """A selection that begins inside a surrogate pair or before a combining mark takes the whole character."""
    with label_server(folder, "--annotator", "ann") as server, Page(browser, server) as page:
        declare(page)
        page.cell("ada-brandt", "gates").click()
        page.page.evaluate(
            """() => {
                const node = document.getElementById('text').firstChild;
                const start = node.data.indexOf('👩') + 3;
                const end = node.data.indexOf('cafe') + 4;
                const range = new Range();
                range.setStart(node, start); range.setEnd(node, end);
                getSelection().removeAllRanges(); getSelection().addRange(range);
            }"""
        )
        page.page.wait_for_function("() => document.getElementById('chosen').textContent.startsWith('Chosen')")
        page.keys("5")
        page.status("3 to do")
        draft = json.loads((folder / ".drafts" / "ann" / "fresh-one.json").read_text(encoding="utf-8"))
        evidence = draft["document"]["stances"][0]["evidence"][0]
        assert evidence["text"].startswith("👩🏽‍⚖️ demanded") and evidence["text"].endswith("cafe\u0301")
        assert TEXT[evidence["start"] : evidence["end"]] == evidence["text"]


def test_a_new_target_reopens_the_labels_of_others_and_agreement_becomes_gold(browser: Any, folder: Path) -> None:
    for name in ("ann", "ben"):
        with label_server(folder, "--annotator", name) as server, Page(browser, server) as page:
            if name == "ann":
                declare(page)
            label_all(page)
            page.status("Saved in")
    with label_server(folder, "--annotator", "cleo", "--adjudicate") as server, Page(browser, server) as page:
        page.status("Agreed labels proposed, not saved")
        page.page.get_by_role("button", name="Save what they agree on as gold").click()
        page.status("Saved in")
        gold = load_dataset(folder).article("fresh-one").gold
        assert gold is not None and len(gold.stances) == 4
    with label_server(folder, "--annotator", "ann") as server, Page(browser, server) as page:
        page.keys("p")
        page.type("The council may open the weir.")
        page.keys("Tab")
        page.type("weir")
        page.keys("Enter")
        page.page.get_by_role("button", name="Reopen the labels of ben, gold as drafts").wait_for()
        assert len(load_dataset(folder).article("fresh-one").targets) == 2
        for speaker in ("ada-brandt", "general-olm"):
            page.cell(speaker, "weir").click()
            page.keys("-")
        page.page.get_by_role("button", name="Reopen the labels").click()
        page.status("Saved in")
        article = load_dataset(folder).article("fresh-one")
        assert len(article.targets) == 3 and [a.annotator for a in article.annotations] == ["ann"]
    with label_server(folder, "--annotator", "ben") as server, Page(browser, server) as page:
        page.status("2 to do")
        page.keys(".", "-", ".", "-")
        page.status("Saved in")
    with label_server(folder, "--annotator", "cleo", "--adjudicate") as server, Page(browser, server) as page:
        page.status("Draft saved · 2 to do")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (800, "dark")])
def test_nothing_overflows(browser: Any, folder: Path, width: int, scheme: str) -> None:
    options = {"viewport": {"width": width, "height": 700}, "color_scheme": scheme}
    with label_server(folder, "--annotator", "ann") as server, Page(browser, server, **options) as page:
        declare(page)
        label_all(page)
        assert page.page.evaluate("() => document.documentElement.scrollWidth") <= width
        for selector in ("header", "#reading", "#panel"):
            box = page.page.locator(selector).bounding_box()
            assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width + 1, selector
        background = page.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, background[4:-1].split(","))) < 200) == (scheme == "dark")
    assert read_dataset(folder)[1] == []


def test_summaries_are_labelled_by_keys_alone(browser: Any, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "river", 1)
    [article] = load_dataset(folder)
    text = "Minister Brandt demands war, <b>at once</b>. Olm warns of it."
    rows = [SummaryLabel(speaker=s, target="escalation") for s in ("brandt", "olm")]
    summary = FrozenSummary(hash=text_hash(text), sampled_from=["mine"], text=text, labels=rows)
    write_frozen_article(
        folder, FrozenArticle(article=article.id, article_hash=text_hash(article.text), summaries=[summary])
    )
    with label_server(folder, "--annotator", "dana", "--summaries") as server:
        with Page(browser, server, f"river-0/{summary.hash}") as page:
            assert page.page.locator("#text").inner_text() == text
            assert page.page.locator("#text mark").inner_text() == "Brandt"
            assert "demanded that the gates be shut" not in page.page.content(), "the article is not shown"
            page.keys("S")
            page.status("saved")
            # the next open pair is chosen by itself
            assert page.page.locator("#pair h2").inner_text().startswith("Olm")
            page.keys("1")
            page.page.wait_for_function("() => document.getElementById('count').textContent === '1 of 1 done'")
            page.keys("Backspace")
            page.page.wait_for_function("() => document.getElementById('count').textContent === '0 of 1 done'")
            page.page.get_by_role("button", name="lean oppose").click()
            page.page.wait_for_function("() => document.getElementById('count').textContent === '1 of 1 done'")
        found = read_frozen_set(folder).articles["river-0"].summaries[0].labels
        assert [(label.stance, label.labeller) for label in found] == [("support", "dana"), ("lean_oppose", "dana")]


def test_the_list_is_filtered_and_adjudicated_articles_wait_for_nobody(browser: Any, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "river")
    write_fresh(tmp_path / "fresh", ("fresh-one",))
    shutil.copy(tmp_path / "fresh" / "articles" / "fresh-one.yaml", folder / "articles")
    with label_server(folder, "--annotator", "ada") as server, Page(browser, server) as page:
        assert page.page.inner_text("#count") == "0 of 1 done · 3 adjudicated"
        page.page.select_option("[data-key=filter]", "unlabelled")
        assert page.page.locator(".articles li").all_inner_texts() == ["○\nfresh-one"]
        page.page.select_option("[data-key=filter]", "all")
        assert page.page.locator(".articles .adjudicated").count() == 3


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800), (1920, 1080)])
def test_text_and_labels_have_room_at_every_width(browser: Any, folder: Path, width: int, height: int) -> None:
    size = {"width": width, "height": height}
    with label_server(folder, "--annotator", "ada") as server, Page(browser, server, viewport=size) as page:
        text, panel = (page.page.locator(name).bounding_box() for name in ("#text", "#panel"))
        assert text["width"] >= min(390, width) - 2
        assert panel["width"] >= 370
        assert text["width"] + panel["width"] >= 0.7 * width
