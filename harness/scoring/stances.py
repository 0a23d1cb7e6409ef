"""Scores of a run's stances: accuracy, F1, kappa and the rest over the declared pairs that have gold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.config import MetricsConfig
from harness.metrics.catalogue import stance_plugins
from harness.metrics.entry import SCOPES, scoped
from harness.metrics.plugins import stance_scores
from harness.metrics.stance import aggregate, in_scope, score_items
from harness.metrics.stance_pair import StancePair
from harness.scoring.material import Material, Scored
from harness.scoring.summaries import means
from harness.types import Article, ItemScore, Prediction


def score_stances(material: Material, scored: Scored) -> None:
    """Adds item scores, metrics and the table `stance`; of a classifier that could not learn, a note."""
    assert material.stances is not None
    if material.stances.unfitted is not None:
        scored.notes.append(f"stance: {material.stances.unfitted}")
    pairs = stance_pairs(material)
    if not pairs:
        return
    report = aggregate(pairs, seed=material.options.seed, resamples=material.options.resamples)
    scored.items.extend(score_items(pairs))
    scored.add(report.metrics)
    scored.tables["stance"] = report.tables
    score_stance_plugins(pairs, {a.id: a for a in material.articles}, material.options, scored)


def stance_pairs(material: Material) -> list[StancePair]:
    """The answers to pairs that have gold."""
    assert material.stances is not None
    gold = {(a.id, *pair): label for a in material.articles for pair, label in a.gold_stances().items()}
    by_id = {a.id: a for a in material.articles}
    pairs = []
    for p in material.stances.predictions:
        label = gold.get((p.article_id, p.speaker_id or "", p.target_id or ""))
        if label is None:
            continue
        article = by_id[p.article_id]
        pairs.append(
            StancePair(
                item=item_id(p),
                article_id=p.article_id,
                speaker_id=label.speaker,
                target_id=label.target,
                gold=label.stance,
                predicted=p.answer.label,
                scores=p.answer.scores,
                error=p.answer.error,
                side=article.speaker(label.speaker).side,
                phenomena=label.phenomena,
                target_key=article.target(label.target).proposition,
            )
        )
    return pairs


def score_stance_plugins(
    pairs: Sequence[StancePair], articles: Mapping[str, Article], options: MetricsConfig, scored: Scored
) -> None:
    """Other packages' metrics of stances: scores of items, and their means in every scope."""
    items, by_scope, signatures = plugin_items(pairs, articles)
    scored.items.extend(items)
    scored.add(means(by_scope, options))
    scored.signatures.update(signatures)


def plugin_items(
    pairs: Sequence[StancePair], articles: Mapping[str, Article]
) -> tuple[list[ItemScore], list[ItemScore], dict[str, str]]:
    """Other packages' item scores, the same under the name of each scope that an item is in, and the metrics' signatures."""
    plugins = stance_plugins()
    items = list(stance_scores(plugins, pairs, articles))
    by_scope: list[ItemScore] = []
    for scope in SCOPES if plugins else ():
        inside = {pair.item for pair in pairs if in_scope(pair, scope)}
        by_scope += [replace(score, metric=scoped(scope, score.metric)) for score in items if score.item in inside]
    return items, by_scope, {plugin.key: plugin.signature for plugin in plugins}


def item_id(prediction: Prediction) -> str:
    """`article`, or `article/speaker/target`."""
    parts = (prediction.article_id, prediction.speaker_id, prediction.target_id)
    return "/".join(p for p in parts if p is not None)
