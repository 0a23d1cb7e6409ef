"""Statistics of a set, and the sample that validates a judge."""

from __future__ import annotations

from pathlib import Path

from harness.curate.judge_sample import add_sample, draw, text_hash
from harness.curate.statistics import has_disagreeing_side, statistics
from harness.data.load import load_dataset
from harness.data.summary_stances import read_summary_stances
from harness.records import RunRecord, SystemUse
from harness.types import Stance


def test_counts(river: Path) -> None:
    s = statistics(load_dataset(river))
    assert (s.n_articles, s.n_events, s.n_scored_pairs) == (3, 3, 12)
    # per article one support-like and one oppose on each target
    assert s.labels["concrete"]["oppose"] == 3
    assert s.labels["concrete"]["support"] + s.labels["concrete"]["lean_support"] == 3
    assert s.labels["escalation"]["no_stance"] == 0
    assert s.by_split == {"dev": 2, "test": 1}
    # Brandt and Olm, both of side north, disagree in each
    assert s.n_disagreeing_sides == 3
    assert all(has_disagreeing_side(a) for a in load_dataset(river))


def judged_run(name: str, harms: int, others: int) -> RunRecord:
    rows = [
        {
            "article": f"a{i}", "speaker": "s", "target": "t", "gold": "oppose", "judged": "support" if i < harms else "oppose",
            "outcome": "flipped" if i < harms else "kept", "mentioned": True, "unjudged": False,
        }
        for i in range(harms + others)
    ]  # fmt: skip
    uses = [
        SystemUse(name=name, kind="summariser", fingerprint=name * 12),
        SystemUse(name="judge", kind="judge", fingerprint="j" * 64),
    ]
    tables = {"preservation": {"rows": rows}}
    return RunRecord(run_id=name, status="complete", config={}, systems=uses, tables=tables)


def test_sample_has_every_harm_and_weighted_others(tmp_path: Path) -> None:
    runs = [judged_run("x", 3, 40), judged_run("y", 2, 60)]
    texts = {(n, f"a{i}"): f"summary {n} {i}" for n in "xy" for i in range(70)}
    sample = draw(runs, texts, others=20, seed=0)
    assert sum(label.drawn == "harm" for label in sample.labels) == 5
    drawn = [label for label in sample.labels if label.drawn == "other"]
    assert len(drawn) == 20
    # 100 other triples, 20 drawn: each stands for 5
    assert {label.weight for label in drawn} == {5.0}
    assert draw(runs, texts, others=20, seed=0) == sample
    assert sample.labels[0].summary == text_hash("summary x 0")


def test_labels_of_a_summary_survive_a_new_sample(tmp_path: Path) -> None:
    runs = [judged_run("x", 2, 5)]
    texts = {("x", f"a{i}"): f"summary {i}" for i in range(9)}
    path, unlabelled = add_sample(tmp_path, draw(runs, texts, others=5, seed=0))
    assert unlabelled == 7
    path.write_text(
        path.read_text().replace("drawn: harm, weight: 1.0}", "drawn: harm, weight: 1.0, stance: oppose}", 1)
    )
    _, unlabelled = add_sample(tmp_path, draw(runs, texts, others=5, seed=1))
    assert unlabelled == 6
    [sample] = read_summary_stances(tmp_path).samples
    assert [label.stance for label in sample.labels if label.stance] == [Stance.OPPOSE]
    assert read_summary_stances(tmp_path).of("nobody") is None
