"""The catalogue of metrics: every key that is computed has its facts, scopes and scales follow, bad entries are named."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import Distribution, EntryPoint, EntryPoints
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ConfigError, MetricRefused
from harness.metrics import plugins
from harness.metrics.catalogue import (
    BUILT_IN,
    board_of,
    catalogue,
    columns_of,
    digits_of,
    direction,
    effect_of,
    judge_of,
    label_of,
    metric_of,
    primary_of,
    span,
)
from harness.metrics.entry import Column, Metric, scope_of, scoped
from harness.metrics.plugins import StanceMetric, SummaryMetric, stance_scores, summary_scores, third_party
from harness.metrics.preservation_table import COVERAGE, FIDELITY, HARM_RATE, HAWK_SHIFT, signatures
from harness.metrics.speakers import aggregate_speakers
from harness.metrics.stance import aggregate, score_items
from harness.metrics.stance_pair import StancePair
from harness.metrics.summary import SummaryOptions, summary_metrics
from harness.report.columns import TOGETHER
from harness.report.drilldown import SUMMARY_SCORES
from harness.types import STANCES, Article, Source, Stance

PACKAGE = Path(__file__).parents[2] / "harness"
LABELS = st.sampled_from(STANCES)
ARTICLE = Article("a", "t", "text", "e", Source("fictional"), (), ())


def pair(gold: Stance, predicted: Stance | None, article: str = "a", error: str | None = None) -> StancePair:
    return StancePair(f"{article}/s/t", article, "s", "t", gold, predicted, error=error)


def test_every_stance_metric_that_is_computed_is_in_the_catalogue_and_the_reverse() -> None:
    pairs = [pair(gold, gold, f"a{i}") for i, gold in enumerate(STANCES)]
    computed = set(aggregate(pairs, resamples=100).metrics)
    items = {score.metric for score in score_items(pairs)}
    # the distance of one item is no aggregate: theirs is mae_macro
    assert computed | {k for k in catalogue() if k.endswith(".mae.five_point")} == {
        k for k in catalogue() if board_of(k) == "stance"
    }
    assert items <= catalogue().keys()


def test_every_other_metric_that_is_computed_is_in_the_catalogue() -> None:
    ours = {m.key for m in BUILT_IN if m.family == "summary"}
    assert set(summary_metrics(SummaryOptions(bertscore="b 1", nli="n 1"))) == ours
    assert ours - set(summary_metrics()) == {"summary.bertscore", "summary.bertscore_cut", "summary.nli_consistency"}
    assert (
        set(signatures("j"))
        == {k for k in catalogue() if k.startswith("preservation.")}
        > {COVERAGE, FIDELITY, HARM_RATE, HAWK_SHIFT}
    )
    assert set(aggregate_speakers([]).metrics) == {k for k in catalogue() if board_of(k) == "speakers"}
    assert {*TOGETHER, *SUMMARY_SCORES} <= catalogue().keys()


def test_labels_and_headings_are_said_in_the_catalogue_alone() -> None:
    words = {word for metric in BUILT_IN for word in (metric.label, *(c.heading for c in metric.columns))}
    telling = {word for word in words if " " in word or word != word.lower()}
    assert {"ROUGE-Lsum", "harm /100", "macro-F1 3-way"} <= telling
    for path in sorted(PACKAGE.rglob("*.py")):
        # harness verify checks published numbers, and calls these what their papers do
        if path.name != "catalogue.py" and path.parent.name != "verify":
            constants = {n.value for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Constant)}
            assert not constants & telling, path


def test_directions_by_hand() -> None:
    lower = {
        "summary.repetition", "summary.unsupported_numbers", "summary.unsupported_names", "preservation.harm",
        "stance.mae_macro.five_point", "stance.sign_flip_rate.five_point", "stance.unparsed_rate.six_label",
        "stance.ece.three_way", "stance.escalation.brier.six_label", "stance.all.mae_macro.five_point",
    }  # fmt: skip
    assert {direction(key) for key in lower} == {-1}
    neither = {"summary.words", "summary.bertscore_cut", "summary.novel_bigrams", "preservation.hawk_shift"}
    assert {direction(key) for key in neither} == {0}
    assert {direction(key) for key in ("summary.rouge_l", "stance.all.selective_accuracy_at_80.three_way")} == {1}


def test_a_metric_that_nobody_knows_has_no_direction_and_stays_on_its_board() -> None:
    assert metric_of("summary.gone") is None
    assert direction("summary.gone") == 0
    assert board_of("summary.gone") == "summariser"
    assert label_of("summary.gone") == "summary.gone"


def test_spans_are_those_of_one_item() -> None:
    assert span("preservation.harm") == span("summary.chrf") == 100.0
    assert span("stance.brier.six_label") == 2.0
    assert span("summary.words") == float("inf")


def test_what_the_boards_show_and_what_is_primary() -> None:
    assert primary_of("summariser") == ("summary.rouge_lsum", "preservation.harm")
    assert primary_of("stance") == ("stance.macro_f1.three_way",)
    assert effect_of("stance.macro_f1.three_way") == 0.05
    assert effect_of("preservation.harm") == 10
    assert effect_of("stance.kappa.five_point") is None
    assert dict(columns_of("summariser"))["preservation.harm"] == "harm /100"
    assert dict(columns_of("stance"))["stance.escalation.macro_f1.three_way"] == "escalation F1"
    for board in ("summariser", "stance", "speakers"):
        orders = [m.column.order for m in catalogue().values() if m.board == board and m.column]
        assert len(orders) == len(set(orders)), "two columns in one place"


def test_scopes_and_scales_follow_from_one_entry() -> None:
    assert label_of("stance.macro_f1.three_way") == "three-way macro-F1"
    assert label_of("stance.escalation.macro_f1.three_way") == "three-way macro-F1 on escalation"
    assert label_of("stance.all.kappa.five_point") == "kappa of detected stances on all targets"
    assert digits_of("preservation.harm") == 1
    assert judge_of("summary.bertscore_cut") == "bertscore"
    assert scope_of("stance.all.kappa.five_point") == ("all", "stance.kappa.five_point")
    for key in catalogue():
        scope, plain = scope_of(key)
        assert scoped(scope, plain) == key


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(LABELS, st.none() | LABELS), min_size=1, max_size=12))
def test_values_are_within_the_range_that_the_catalogue_says(said: list[tuple[Stance, Stance | None]]) -> None:
    pairs = [pair(gold, answer, f"a{i}") for i, (gold, answer) in enumerate(said)]
    for key, value in aggregate(pairs, resamples=100).metrics.items():
        metric = metric_of(key)
        assert metric is not None
        assert value.value is None or metric.in_range(value.value), (key, value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"range": (1, 1)}, "the range (1, 1) is empty"),
        ({"label": ""}, "lacks label"),
        ({"key": "mine"}, "not of the form"),
        ({"key": "mine.score"}, "not of the form"),
        ({"digits": -1}, "0 to 6"),
        ({"scales": ("seven",)}, "no scale is called 'seven'"),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(fields: dict[str, object], said: str) -> None:
    facts = {"key": "summary.x", "label": "x", "higher_is_better": True, "range": (0, 1), "source": "us", **fields}
    with pytest.raises(ValueError, match=said.replace("(", r"\(").replace(")", r"\)")):
        Metric(**facts)  # type: ignore[arg-type]


class Package(Distribution):
    """An installed package that consists of its name."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def metadata(self) -> dict[str, str]:  # type: ignore[override]
        return {"Name": self._name, "Version": "0.3"}

    def read_text(self, filename: str) -> str | None:
        return None

    def locate_file(self, path: object) -> Path:  # type: ignore[override]
        return Path(str(path))


Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Declares objects as entry points `toneplug:TONE`, `other:TONE` of packages of these names."""

    def call(**packages: object) -> None:
        points = []
        for name, thing in packages.items():
            module = ModuleType(name)
            module.TONE = thing  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, name, module)
            point = EntryPoint("tone", f"{name}:TONE", plugins.GROUP)
            points.append(point._for(Package(name)))  # type: ignore[attr-defined]
        monkeypatch.setattr(plugins, "entry_points", lambda group: EntryPoints(points))
        catalogue.cache_clear()

    yield call
    catalogue.cache_clear()


def tone(**fields: object) -> SummaryMetric:
    facts = {
        "key": "summary.tone", "label": "tone", "higher_is_better": False, "range": (0, 1), "source": "us",
        "signature": "tone 1", "score": lambda summary, article: 0.5, **fields,
    }  # fmt: skip
    return SummaryMetric(**facts)  # type: ignore[arg-type]


def miss(**fields: object) -> StanceMetric:
    facts = {
        "key": "stance.miss", "label": "misses", "higher_is_better": False, "range": (0, 1), "source": "us",
        "signature": "miss 1", "scales": ("five_point",), "score": lambda pair, article: pair.gold != pair.predicted,
        **fields,
    }  # fmt: skip
    return StanceMetric(**facts)  # type: ignore[arg-type]


def test_a_package_adds_metrics_with_their_keys_direction_and_columns(install: Install) -> None:
    install(toneplug=tone(), missplug=miss())
    assert direction("summary.tone") == direction("stance.escalation.miss.five_point") == -1
    assert columns_of("summariser")[-1] == ("summary.tone", "tone")
    assert columns_of("stance")[-1] == ("stance.miss.five_point", "misses")
    assert metric_of("summary.tone").signature == "toneplug 0.3|tone 1"  # type: ignore[union-attr]
    assert primary_of("summariser") == ("summary.rouge_lsum", "preservation.harm")


def _raise() -> None:
    raise AssertionError


@pytest.mark.parametrize(
    ("thing", "said", "step"),
    [
        (SummaryMetric, "is a class, not a SummaryMetric or StanceMetric", "make it one"),
        ("tone", "is of type str", "make it one"),
        (BUILT_IN[0], "is of type Metric", "make it one"),
        (tone(key="stance.tone"), "is a SummaryMetric with the key 'stance.tone'", "let it begin with summary."),
        (miss(key="summary.miss", scales=()), "is a StanceMetric with the key", "let it begin with stance."),
        (tone(key="summary.words"), "has the key 'summary.words', which a metric of the harness has", "another key"),
        (tone(key="summary.tone.three"), "has the key 'summary.tone.three'", "by one word"),
        (miss(key="stance.all"), "has the key 'stance.all'", "by one word"),
        (tone(signature=""), "has no signature", "changes whenever values could"),
        (miss(scales=()), "has 0 scales", "scales=('six_label',)"),
        (tone(judge="nli"), "asks for the judge 'nli'", "from the texts alone"),
        (tone(columns=(Column(primary=True),)), "has a primary column", "leave primary out"),
        (tone(label="[bold]tone"), "has '[bold]tone' as its label or heading", "no brackets"),
        (tone(score=7), "has a score of type int", "let it be score(summary, article)"),
        (tone(score=_raise), "does not take two arguments (too many positional arguments)", "score(summary, article)"),
        (miss(score=lambda gold, said, item: 0), "does not take two arguments", "score(pair, article)"),
    ],
)
def test_a_bad_metric_is_refused_with_package_entry_point_and_step(
    thing: object, said: str, step: str, install: Install
) -> None:
    install(toneplug=thing)
    with pytest.raises(ConfigError) as error:
        catalogue()
    assert error.value.message.startswith(
        "entry point harness.metrics: the metric 'tone' (toneplug:TONE) of toneplug 0.3 "
    )
    assert said in error.value.message
    assert step in (error.value.hint or "")
    assert "or uninstall toneplug; 'Add a metric' in CONTRIBUTING.md" in (error.value.hint or "")


def test_two_packages_with_one_key_are_both_named(install: Install) -> None:
    install(other=tone(), toneplug=tone())
    with pytest.raises(ConfigError, match=r"of toneplug 0.3 has the key 'summary.tone', which .* of other 0.3 has too"):
        third_party()


def test_what_a_metric_of_summaries_may_say_of_an_item() -> None:
    def refuse(summary: str, article: Article) -> float:
        raise MetricRefused("not in this language")

    def fail(summary: str, article: Article) -> float:
        raise KeyError("quote")

    of = {
        "value": lambda s, a: 0.25,
        "noted": lambda s, a: (0.25, "short"),
        "none": lambda s, a: (None, "no sentence"),
        "silent": lambda s, a: None,
        "word": lambda s, a: "high",
        "nan": lambda s, a: float("nan"),
        "high": lambda s, a: 2,
        "reason": lambda s, a: (0.5, 3),
        "refused": refuse,
        "failed": fail,
    }
    metrics = [tone(key=f"summary.{name}", signature="toneplug 0.3|1", score=score) for name, score in of.items()]
    found = {s.metric.partition(".")[2]: (s.value, s.reason) for s in summary_scores(metrics, "said", ARTICLE)}
    assert found == {
        "value": (0.25, None),
        "noted": (0.25, "short"),
        "none": (None, "no sentence"),
        "silent": (None, "summary.silent of toneplug 0.3 gave no value and no reason"),
        "word": (None, "summary.word of toneplug 0.3 gave 'high', which is no number"),
        "nan": (None, "summary.nan of toneplug 0.3 gave nan, which is not within 0 and 1"),
        "high": (None, "summary.high of toneplug 0.3 gave 2, which is not within 0 and 1"),
        "reason": (None, "summary.reason of toneplug 0.3 gave a reason of type int"),
        "refused": (None, "not in this language"),
        "failed": (None, "summary.failed of toneplug 0.3 raised KeyError: 'quote'"),
    }


def test_a_metric_of_stances_is_asked_where_gold_is_on_its_scale_and_there_is_an_answer() -> None:
    [metric] = (m for m in miss().keyed() if m.key == "stance.miss.five_point")
    assert isinstance(metric, StanceMetric)
    pairs = [
        pair(Stance.OPPOSE, Stance.OPPOSE, "a"),
        pair(Stance.OPPOSE, None, "b"),
        pair(Stance.NO_STANCE, Stance.OPPOSE, "c"),
        pair(Stance.OPPOSE, None, "d", error="timed out"),
    ]
    found = [(s.article_id, s.value, s.reason) for s in stance_scores([metric], pairs, dict.fromkeys("abcd", ARTICLE))]
    assert found == [("a", 0.0, None), ("b", 1.0, None), ("d", None, "no answer: timed out")]
