"""From predictions to scores: item scores first, aggregates with intervals over them; the same for a run and a rescore."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.config import MetricsConfig
from harness.data.summary_stances import JudgeSample
from harness.found import score_found, suspicions
from harness.predict import Answered
from harness.records import Value
from harness.types import Article, Item, ItemScore, MetricValue, Prediction

if TYPE_CHECKING:
    from harness.metrics.stance import StancePair


@dataclass(frozen=True)
class Material:
    """Everything that scores are made of. `judged` holds the answers of `judge` (name and fingerprint) to all `readings`, in
    their order; `measured` those of the judges `bertscore` and `nli`, whose values `signatures` identify."""

    articles: Sequence[Article]
    options: MetricsConfig
    summaries: Answered | None = None
    stances: Answered | None = None
    finder: Answered | None = None
    readings: Mapping[str, Sequence[Item]] = field(default_factory=dict)
    judged: Answered | None = None
    judge: str | None = None
    judge_sample: JudgeSample | None = None
    measured: Mapping[str, Answered] = field(default_factory=dict)
    signatures: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Scored:
    """What goes into a record."""

    metrics: dict[str, Value] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    signatures: dict[str, str] = field(default_factory=dict)
    items: list[ItemScore] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, metrics: Mapping[str, MetricValue]) -> None:
        """Aggregates under their keys."""
        self.metrics.update({key: Value(**asdict(value)) for key, value in metrics.items()})


def score(material: Material) -> Scored:
    """All scores of a run; without gold there are none, a note says so, and what looks suspicious is listed."""
    scored = Scored()
    labelled = any(a.gold for a in material.articles)
    referenced = any(a.summaries for a in material.articles)
    if not labelled:
        what = "stances were not scored" if referenced else "nothing was scored"
        scored.notes.append(f"{what}: the articles carry no gold")
    if material.summaries is not None and (labelled or referenced):
        score_summaries(material, scored)
    if material.finder is not None:
        score_found(material, scored)
    elif labelled and material.stances is not None:
        score_stances(material, scored)
    if material.judged is not None:
        if material.judged.unfitted is not None:
            scored.notes.append(f"judge: {material.judged.unfitted}; stance preservation was not scored")
        elif labelled and material.finder is None:
            from harness.preserve import score_preservation

            score_preservation(material, scored)
        else:
            suspicions(material, scored)
    return scored


def score_stances(material: Material, scored: Scored) -> None:
    """Accuracy, F1, kappa and the rest over the declared pairs that have gold."""
    from harness.metrics.stance import StancePair, aggregate, score_items

    assert material.stances is not None
    if material.stances.unfitted is not None:
        scored.notes.append(f"stance: {material.stances.unfitted}")
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
    if not pairs:
        return
    report = aggregate(pairs, seed=material.options.seed, resamples=material.options.resamples)
    scored.items.extend(score_items(pairs))
    scored.add(report.metrics)
    scored.tables["stance"] = report.tables
    score_stance_plugins(pairs, by_id, material.options, scored)


def score_stance_plugins(
    pairs: Sequence[StancePair], articles: Mapping[str, Article], options: MetricsConfig, scored: Scored
) -> None:
    """Other packages' metrics of stances: scores of items, and their means in every scope."""
    from harness.metrics.catalogue import stance_plugins
    from harness.metrics.entry import SCOPES, scoped
    from harness.metrics.plugins import stance_scores
    from harness.metrics.stance import in_scope

    plugins = stance_plugins()
    items = list(stance_scores(plugins, pairs, articles))
    scored.items.extend(items)
    for scope in SCOPES if plugins else ():
        inside = {pair.item for pair in pairs if in_scope(pair, scope)}
        own = [replace(score, metric=scoped(scope, score.metric)) for score in items if score.item in inside]
        scored.add(means(own, options))
    scored.signatures.update({plugin.key: plugin.signature for plugin in plugins})


def score_summaries(material: Material, scored: Scored) -> None:
    """Overlap with the references, extractiveness, length, unsupported names and numbers, and what judges measured."""
    from harness.metrics.catalogue import summary_plugins
    from harness.metrics.plugins import summary_scores
    from harness.metrics.summary import SummaryOptions, score_summary, summary_metrics
    from harness.systems.summary_judges import judged

    assert material.summaries is not None
    by_id = {a.id: a for a in material.articles}
    chosen = material.options
    options = SummaryOptions(chosen.rouge_tokenizer, chosen.rouge_stemmer, **material.signatures)
    plugins = summary_plugins()
    signatures = {key: metric.signature for key, metric in summary_metrics(options).items()}
    signatures |= {plugin.key: plugin.signature for plugin in plugins}
    found = {role: {p.article_id: p.answer for p in a.predictions} for role, a in material.measured.items()}
    bert, nli = found.get("bertscore", {}), found.get("nli", {})
    for p in material.summaries.predictions:
        article = by_id[p.article_id]
        if p.answer.error is None:
            said = judged(article, p.answer.output, bert.get(article.id), nli.get(article.id))
            scored.items.extend(score_summary(p.answer.output, article, options, said))
            scored.items.extend(summary_scores(plugins, p.answer.output, article))
        else:
            reason = f"no answer: {p.answer.error}"
            scored.items.extend(ItemScore(article.id, article.id, key, None, reason=reason) for key in signatures)
    items = [s for s in scored.items if s.metric.startswith("summary.")]
    scored.add(means(items, material.options))
    scored.signatures.update(signatures)


def means(items: Sequence[ItemScore], options: MetricsConfig) -> dict[str, MetricValue]:
    """Mean of each metric over the items that have a value, with its clustered interval; the others are counted."""
    from harness.stats.bootstrap import clustered_interval_mean

    by_metric: dict[str, list[ItemScore]] = defaultdict(list)
    for item in items:
        by_metric[item.metric].append(item)
    found = {}
    for metric, rows in by_metric.items():
        good = [(r.value, r.article_id) for r in rows if r.value is not None]
        interval = clustered_interval_mean(
            [v for v, _ in good], [a for _, a in good], seed=options.seed, resamples=options.resamples
        )
        value = interval.metric(len(good), len(rows) - len(good))
        if not good:
            value = MetricValue(None, None, None, 0, len(rows), rows[0].reason)
        found[metric] = value
    return found


def item_id(prediction: Prediction) -> str:
    """`article`, or `article/speaker/target`."""
    parts = (prediction.article_id, prediction.speaker_id, prediction.target_id)
    return "/".join(p for p in parts if p is not None)
