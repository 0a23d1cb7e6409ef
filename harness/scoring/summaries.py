"""Scores of a run's summaries: against references and article, by themselves, and by what judges measured of them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.config import MetricsConfig
from harness.metrics import bertscore, nli_consistency
from harness.metrics.catalogue import summary_plugins
from harness.metrics.plugins import summary_scores
from harness.metrics.summary import Judged, SummaryOptions, score_summary, summary_metrics
from harness.scoring.material import Material, Scored
from harness.stats.bootstrap import clustered_interval_mean
from harness.text.names import main_script
from harness.types import Answer, Article, ItemScore, MetricValue

MOST_UNKNOWN = 0.1
"""A larger share of tokens that a tokenizer does not know, all of which look alike to the model, leaves a text unread."""


def score_summaries(material: Material, scored: Scored) -> None:
    """Overlap with the references, extractiveness, length, unsupported names and numbers, and what judges measured."""
    items, signatures = summary_items(material)
    scored.items.extend(items)
    scored.add(means([s for s in scored.items if s.metric.startswith("summary.")], material.options))
    scored.signatures.update(signatures)


def summary_items(material: Material) -> tuple[list[ItemScore], dict[str, str]]:
    """The scores of each summary, and the signature of each metric."""
    assert material.summaries is not None
    items: list[ItemScore] = []
    by_id = {a.id: a for a in material.articles}
    tokenizer, stemmer = material.options.rouge_tokenizer, material.options.rouge_stemmer
    options = SummaryOptions(tokenizer, stemmer, **material.signatures)
    plugins = summary_plugins()
    signatures = {key: metric.signature for key, metric in summary_metrics(options).items()}
    signatures |= {plugin.key: plugin.signature for plugin in plugins}
    measured = {role: {p.article_id: p.answer for p in a.predictions} for role, a in material.measured.items()}
    bert_answers, nli_answers = measured.get("bertscore", {}), measured.get("nli", {})
    for p in material.summaries.predictions:
        article = by_id[p.article_id]
        if p.answer.error is None:
            values = judged(article, p.answer.output, bert_answers.get(article.id), nli_answers.get(article.id))
            items.extend(score_summary(p.answer.output, article, options, values))
            items.extend(summary_scores(plugins, p.answer.output, article))
        else:
            reason = f"no answer: {p.answer.error}"
            items.extend(ItemScore(article.id, article.id, key, None, reason=reason) for key in signatures)
    return items, signatures


def means(items: Sequence[ItemScore], options: MetricsConfig) -> dict[str, MetricValue]:
    """Mean of each metric over the items that have a value, with its clustered interval; the others are counted."""
    by_metric: dict[str, list[ItemScore]] = defaultdict(list)
    for item in items:
        by_metric[item.metric].append(item)
    values = {}
    for metric, rows in by_metric.items():
        good = [(r.value, r.article_id) for r in rows if r.value is not None]
        interval = clustered_interval_mean(
            [v for v, _ in good], [a for _, a in good], seed=options.seed, resamples=options.resamples
        )
        value = interval.metric(len(good), len(rows) - len(good))
        if not good:
            value = MetricValue(None, None, None, 0, len(rows), rows[0].reason)
        values[metric] = value
    return values


def judged(article: Article, summary: str, bert: Answer | None, nli: Answer | None) -> Judged:
    """The stored answers of BERTScore's and NLI's judge on one summary, as its metrics take them; None: not asked.

    Where the tokenizer does not know more than `MOST_UNKNOWN` of a reference's tokens, or for NLI of the article's, there
    is a reason in place of a value; where it does not know the summary's, the reason stands beside the value.
    """
    fields: dict[str, Any] = {}
    if bert is not None and bert.error is not None:
        fields["bertscore"] = f"no answer: {bert.error}"
    elif bert is not None:
        shares = {name: share for name, share in bert.scores.items() if name.startswith("unknown")}
        score = bertscore.BertScore(**{k: v for k, v in bert.scores.items() if k not in shares}, n_cut=bert.tokens_cut)
        reasons = [_unread("reference", text, shares.get(f"unknown_{i}")) for i, text in enumerate(article.references)]
        fields["bertscore"] = next(filter(None, reasons), score)
        fields["bertscore_note"] = _unread("summary", summary, shares.get("unknown"))
    if nli is not None and nli.error is not None:
        fields["consistency"] = f"no answer: {nli.error}"
    elif nli is not None:
        values = json.loads(nli.output)
        support = nli_consistency.summac_zs(summary, article.text, lambda _: values, article.language)
        if why := _unread("summary", summary, nli.scores.get("unknown")):
            support = replace(support, reason=support.reason or why)
        fields["consistency"] = _unread("article", article.text, nli.scores.get("unknown_0")) or support
    return Judged(**fields)


def _unread(what: str, text: str, share: float | None) -> str | None:
    """Why a text is as good as unread, naming its script; None where enough of its tokens are known."""
    if share is None or share <= MOST_UNKNOWN:
        return None
    script = main_script(text)
    written = f", which is in {script} letters" if script else ""
    return f"the model's tokenizer does not know {share:.0%} of the tokens of the {what}{written}"
