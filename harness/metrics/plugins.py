"""Metrics of other packages: how one is declared, checked and computed; one that fails leaves its item unscored.

A package declares an entry point of the group `harness.metrics` that names a `SummaryMetric` or a `StanceMetric`:

    [project.entry-points."harness.metrics"]
    shouting = "my_package:SHOUTING"

and the metric is in run records, reports and `harness rescore` like ours. It is no part of a run's identity.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigError, MetricRefused
from harness.metrics.entry import SCOPES, Column, Metric
from harness.types import Article, ItemScore

if TYPE_CHECKING:
    from harness.metrics.stance_pair import StancePair

GROUP = "harness.metrics"
RECIPE = "'Add a metric' in CONTRIBUTING.md has an example"
ON_SCALE = ("five_point", "three_way_stanced")
"""Scales that have no place for gold `no_stance`: its items are not scored there."""

Scored = float | tuple[float | None, str | None]
"""What a metric says of an item: a value; or a value, None where there is none, with a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryMetric(Metric):
    """A metric of summaries: `score(summary, article)` is asked for each summary that a system wrote, empty ones too.

    The article has its references (`article.summaries`), its speakers and gold. The aggregate is the mean over articles.
    `score` may raise MetricRefused with the reason why an item has no value.
    """

    score: Callable[[str, Article], Scored]
    columns: tuple[Column, ...] = (Column(),)
    shows_signature: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StanceMetric(Metric):
    """A metric of stances: `score(pair, article)` is asked for each (speaker, target) that has gold and an answer.

    `pair.gold` is the label, `pair.predicted` the answer (None if it could not be read), `pair.scores` its probabilities.
    On the scales `five_point` and `three_way_stanced` items with gold `no_stance` are left out. The aggregate is the mean
    over items, in each of the three scopes. `score` may raise MetricRefused with the reason why an item has no value.
    """

    score: Callable[[StancePair, Article], Scored]
    columns: tuple[Column, ...] = (Column(),)
    shows_signature: bool = True


FORMS: Mapping[str, type[Metric]] = {"summary": SummaryMetric, "stance": StanceMetric}
"""What a metric of each family has to be."""
ThirdParty = SummaryMetric | StanceMetric


def third_party(taken: frozenset[str] = frozenset()) -> tuple[ThirdParty, ...]:
    """The metrics that installed packages declare, by key; each signature begins with its package and version.

    ConfigError, which names package and entry point, if one cannot be imported, is no such metric, or has a `taken` key.
    """
    by_key: dict[str, tuple[str, ThirdParty]] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        metric = _checked(point, _loaded(point))
        for one in metric.keyed():
            if one.key in taken:
                raise _error(point, f"has the key {one.key!r}, which a metric of the harness has", "choose another key")
            if one.key in by_key:
                raise _error(
                    point, f"has the key {one.key!r}, which {by_key[one.key][0]} has too", "choose another key"
                )
            by_key[one.key] = (_named(point), metric)
    metrics = {metric.key: metric for _, metric in by_key.values()}
    return tuple(metrics[key] for key in sorted(metrics))


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else "an unknown package"


def _named(point: EntryPoint) -> str:
    return f"the metric {point.name!r} ({point.value}) of {_package(point)}"


def _error(point: EntryPoint, what: str, step: str) -> ConfigError:
    name = point.dist.name if point.dist is not None else "it"
    return ConfigError(f"entry point {GROUP}: {_named(point)} {what}", hint=f"{step}, or uninstall {name}; {RECIPE}")


def _loaded(point: EntryPoint) -> object:
    try:
        return point.load()
    except Exception as error:  # whatever another package's code may raise
        what = f"cannot be imported: {type(error).__name__}: {error}"
        raise _error(point, what, "mend that module") from error


def _checked(point: EntryPoint, metric: object) -> ThirdParty:
    """The metric with its package in the signature; ConfigError if a run could not use it."""
    if not isinstance(metric, SummaryMetric | StanceMetric):
        what = f"is {'a class' if isinstance(metric, type) else f'of type {type(metric).__name__}'}"
        raise _error(point, f"{what}, not a SummaryMetric or StanceMetric of {__name__}", "make it one")
    if type(metric) is not FORMS.get(metric.family):
        wanted = next(family for family, form in FORMS.items() if form is type(metric))
        raise _error(point, f"is a {type(metric).__name__} with the key {metric.key!r}", f"let it begin with {wanted}.")
    if "." in metric.name or metric.name in SCOPES:
        raise _error(point, f"has the key {metric.key!r}", f"name it {metric.family}.my_metric, by one word")
    if not metric.signature:
        step = "give it a signature that changes whenever values could"
        raise _error(point, "has no signature", step)
    if (len(metric.scales) == 1) != (metric.family == "stance"):
        step = "give it one scale, as in scales=('six_label',)" if metric.family == "stance" else "give it no scales"
        raise _error(point, f"has {len(metric.scales)} scales", step)
    if metric.judge is not None:
        raise _error(point, f"asks for the judge {metric.judge!r}", "compute it from the texts alone")
    if any(column.primary for column in metric.columns):
        step = "leave primary out: what a report tests is declared by the harness"
        raise _error(point, "has a primary column", step)
    if bad := [
        word for word in (metric.label, *(c.heading for c in metric.columns)) if re.search(r"[^ -Z^-~\w]", word)
    ]:
        raise _error(point, f"has {bad[0]!r} as its label or heading", "use letters, digits, spaces and no brackets")
    _check_arguments(point, metric)
    return replace(metric, signature=f"{_package(point)}|{metric.signature}")


def _check_arguments(point: EntryPoint, metric: ThirdParty) -> None:
    what = "summary" if metric.family == "summary" else "pair"
    step = f"let it be score({what}, article)"
    if not callable(metric.score):
        raise _error(point, f"has a score of type {type(metric.score).__name__}, no function", step)
    try:
        parameters = inspect.signature(metric.score)
    except ValueError:
        # of some built-in functions Python knows no parameters
        return
    try:
        parameters.bind(object(), object())
    except TypeError as error:
        raise _error(point, f"has a score that does not take two arguments ({error})", step) from None


def summary_scores(metrics: Iterable[SummaryMetric], summary: str, article: Article) -> Iterator[ItemScore]:
    """Each metric's score of one summary; a metric that fails leaves the item unscored with the reason."""
    for metric in metrics:
        value, reason = _scored(metric, summary, article)
        yield ItemScore(article.id, article.id, metric.key, value, reason=reason)


def stance_scores(
    metrics: Iterable[StanceMetric], pairs: Iterable[StancePair], articles: Mapping[str, Article]
) -> Iterator[ItemScore]:
    """The score of each metric (by its key without a scope) of each pair whose gold its scale has."""
    pairs = list(pairs)
    for metric in metrics:
        for pair in pairs:
            if metric.scales[0] in ON_SCALE and pair.gold.degree is None:
                continue
            result = _scored(metric, pair, articles[pair.article_id]) if pair.error is None else None
            value, reason = result or (None, f"no answer: {pair.error}")
            yield ItemScore(
                pair.item, pair.article_id, metric.key, value, pair.speaker_id, pair.target_id, reason=reason
            )


def _scored(metric: ThirdParty, subject: Any, article: Article) -> tuple[float | None, str | None]:
    """A value within the metric's range, or None and why; whatever another package's code raises does not end a run."""
    package = metric.signature.partition("|")[0]
    try:
        answer: Any = metric.score(subject, article)
    except MetricRefused as refusal:
        return None, str(refusal)
    except Exception as error:  # whatever it raises is this item's reason
        return None, f"{metric.key} of {package} raised {type(error).__name__}: {error}"
    value, reason = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
    if reason is not None and not isinstance(reason, str):
        return None, f"{metric.key} of {package} gave a reason of type {type(reason).__name__}"
    if value is None:
        return None, reason or f"{metric.key} of {package} gave no value and no reason"
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None, f"{metric.key} of {package} gave {value!r}, which is no number"
    if not metric.in_range(number):
        low, high = metric.range
        return None, f"{metric.key} of {package} gave {number:g}, which is not within {low:g} and {high:g}"
    return number, reason
