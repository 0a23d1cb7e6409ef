"""Samples of summaries for hand labels: what is drawn, what is written, and the estimate that comes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.config import MetricsConfig
from harness.curate.judge_sample import add_sample, draw
from harness.data.frozen_set import read_frozen_set, text_hash, write_frozen_article
from harness.data.load import load_dataset
from harness.data.summary_samples import FILE, read_summary_samples
from harness.errors import ConfigError, ValidationFailed
from harness.metrics.preservation import OutcomeRow, outcomes
from harness.report.collect import Runs
from harness.report.preserved import by_hand
from harness.results.records import RunRecord, SystemUse
from harness.runs.questions import judge_items
from harness.scoring.estimate import estimate
from harness.scoring.material import Material
from harness.scoring.preservation import row_as_data
from harness.types import Answered, Article, Stance
from tests.conftest import write_dataset

N = 24


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "river", N)


def texts(articles: tuple[Article, ...]) -> dict[str, str]:
    return {a.id: f"Brandt demands war, says {a.id}. Olm is against it." for a in articles}


def judge(article: Article, text: str) -> list[OutcomeRow]:
    """Reads `support` for everybody, which is wrong of Olm."""
    return outcomes(article, text, {(s.id, t.id): Stance.SUPPORT for s, t in article.pairs()})


def hand(speaker: str) -> Stance:
    return Stance.SUPPORT if speaker == "brandt" else Stance.OPPOSE


def record(rows: list[OutcomeRow]) -> RunRecord:
    systems = [
        SystemUse(kind="summariser", name="mine", fingerprint="a" * 64),
        SystemUse(kind="judge", name="yes", fingerprint="b" * 64),
    ]
    tables: dict[str, Any] = {"preservation": {"rows": [row_as_data(row) for row in rows]}}
    return RunRecord(run_id="mine-1", status="complete", config={}, systems=systems, tables=tables)


def material(folder: Path, judge_name: str = "yes@" + "b" * 12) -> Material:
    articles = load_dataset(folder).articles
    readings = judge_items(articles, Answered([]))
    items = [i for a in articles for i in readings["article"] if i.article.id == a.id]
    summaries = [replace(i, summary=texts(articles)[i.article.id]) for i in items]
    return Material(
        articles, MetricsConfig(), readings={"summary": summaries}, judge=judge_name, summariser="mine",
        frozen_set=read_frozen_set(folder), summary_samples=read_summary_samples(folder),
    )  # fmt: skip


def drawn(folder: Path, n: int = 40) -> tuple[list[OutcomeRow], int]:
    articles = load_dataset(folder).articles
    rows = [row for a in articles for row in judge(a, texts(articles)[a.id])]
    _, n_open = add_sample(folder, draw(record(rows), texts(articles), n), articles, texts(articles))
    return rows, n_open


def label_everything(folder: Path) -> None:
    for row in read_frozen_set(folder).articles.values():
        for summary in row.summaries:
            for label in summary.labels:
                label.stance, label.labeller = hand(label.speaker), "ada"
        write_frozen_article(folder, row)


def test_what_is_drawn_hangs_on_triples_and_seed_alone(folder: Path) -> None:
    articles = load_dataset(folder).articles
    rows = [row for a in articles for row in judge(a, texts(articles)[a.id])]
    sample = draw(record(rows), texts(articles), 40, 1)
    assert len(sample.triples) == 40
    assert sample == draw(record(rows[::-1]), texts(articles), 40, 1)
    assert sample != draw(record(rows), texts(articles), 40, 2)
    # support where gold has lean_support is altered; of Olm it is turned round
    assert {t.stratum for t in sample.triples} == {"kept", "altered", "harmed"}
    assert {t.summary for t in sample.triples} <= {text_hash(text) for text in texts(articles).values()}


def test_the_sample_waits_in_the_frozen_set_and_survives_being_drawn_again(folder: Path) -> None:
    _, n_open = drawn(folder)
    assert n_open == 40
    frozen = read_frozen_set(folder)
    assert not frozen.written_by("mine"), "a sample covers no summariser"
    label_everything(folder)
    assert drawn(folder)[1] == 0
    assert len(read_summary_samples(folder).samples) == 1


def test_an_estimate_needs_every_label(folder: Path) -> None:
    rows, _ = drawn(folder)
    found = estimate(material(folder), rows)
    assert found is not None
    assert found["refused"] == "40 of the 40 drawn triples are not labelled yet: harness label --summaries"
    label_everything(folder)
    found = estimate(material(folder), rows)
    assert found is not None
    assert (found["n_labels"], found["of"]) == (40, len(rows))
    values: dict[str, dict[str, float]] = found["metrics"]  # type: ignore[assignment]
    # the judge finds harm in half of all stances and is always wrong about it
    assert values["preservation.harm"]["value"] == pytest.approx(0)
    assert 0 < values["preservation.harm"]["ci_high"] < 30
    assert values["preservation.coverage"]["value"] == pytest.approx(1)
    assert estimate(material(folder, "other@" + "c" * 12), rows) is None


def test_changed_summaries_and_a_judge_that_reads_otherwise_are_refused(folder: Path) -> None:
    rows, _ = drawn(folder)
    label_everything(folder)
    now = material(folder)
    silent = [replace(row, judged=Stance.NO_STANCE, outcome=None, reason=None) for row in rows]
    found = estimate(now, silent)
    assert found is not None
    assert "the judge reads" in str(found["refused"])
    edited = [replace(i, summary=f"{i.summary} More.") for i in now.readings["summary"]]
    found = estimate(replace(now, readings={"summary": edited}), rows)
    assert found is not None
    assert "drawn triples have changed" in str(found["refused"])


def test_the_report_says_with_how_many_labels_it_estimates(folder: Path, tmp_path: Path) -> None:
    rows, _ = drawn(folder)
    label_everything(folder)
    one = record(rows)
    one.tables["preservation"]["estimate"] = estimate(material(folder), rows)
    [entry] = by_hand(Runs(tmp_path, (one,)))
    assert (entry.name, entry.covered) == ("mine", "estimated with 40 hand labels")
    assert entry.metrics["preservation.harm"].value == pytest.approx(0)


def test_a_sample_needs_judged_summaries_that_are_stored(folder: Path) -> None:
    articles = load_dataset(folder).articles
    one = record(judge(articles[0], texts(articles)[articles[0].id]))
    with pytest.raises(ConfigError, match=r"mine-1 judged no summaries(.|\n)*judge="):
        draw(one.model_copy(update={"tables": {}}), {})
    with pytest.raises(ConfigError, match="no longer stored"):
        draw(one, {})


def test_errors_of_the_file_name_line_and_field(folder: Path) -> None:
    drawn(folder)
    path = folder / FILE
    path.write_text(path.read_text(encoding="utf-8").replace("stratum: kept", "stratum: kpt", 1), encoding="utf-8")
    with pytest.raises(ValidationFailed, match=r"summary_samples.yaml:\d+.*stratum(.|\n)*'kept'"):
        read_summary_samples(folder)
