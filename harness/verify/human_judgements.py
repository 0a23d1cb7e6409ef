"""ROUGE's published correlations with human judgements, computed again from the judgements (SummEval, REALSumm)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import HarnessError
from harness.metrics.rouge import rouge_pair
from harness.text.sentences import split_tokenised
from harness.verify.check import Check

TOLERANCE = 0.003
SUMMEVAL = "SummEval, summary level, 11 references (BARTScore repository; its ROUGE-L is Lsum)"
REALSUMM = "REALSumm, summary level, LitePyramid recall (its repository's notebook)"

DIMENSIONS = ("coherence", "consistency", "fluency", "relevance")
SUMMEVAL_PUBLISHED: Mapping[str, Sequence[tuple[float, float]]] = {
    "rouge1": ((0.167, 0.126), (0.160, 0.130), (0.115, 0.094), (0.326, 0.252)),
    "rouge2": ((0.184, 0.139), (0.187, 0.155), (0.159, 0.128), (0.290, 0.219)),
    "rougeLsum": ((0.128, 0.099), (0.115, 0.092), (0.105, 0.084), (0.311, 0.237)),
}
"""Spearman and Kendall by dimension."""
REALSUMM_PUBLISHED: Mapping[str, tuple[float, float]] = {
    "rouge1": (0.497526, 0.407974),
    "rouge2": (0.423300, 0.353119),
    "rougeLsum": (0.488254, 0.402523),
}
_NAMES = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeLsum": "ROUGE-Lsum"}


def correlation_checks(external: Path) -> Iterator[Check]:
    """Checks on `summary_judgements/SummEval.jsonl` and `REALSumm.jsonl` inside `external`; HarnessError without
    them."""
    yield from summeval_checks(_read(external, "SummEval.jsonl"))
    yield from realsumm_checks(_read(external, "REALSumm.jsonl"))


def summeval_checks(documents: Sequence[Mapping[str, Any]]) -> Iterator[Check]:
    """F1, mean over the references, against the experts' means."""
    variants = tuple(SUMMEVAL_PUBLISHED)
    scores: dict[str, list[list[float]]] = {variant: [] for variant in variants}
    for document in documents:
        references = [split_tokenised(text) for text in document["ref_summs"]]
        rows = []
        for system in document["sys_summs"].values():
            summary = split_tokenised(system["sys_summ"])
            pairs = [rouge_pair(summary, reference, variants, stemmer=True) for reference in references]
            rows.append([float(np.mean([pair[v].fmeasure for pair in pairs])) for v in variants])
        for variant, values in zip(variants, zip(*rows, strict=True), strict=True):
            scores[variant].append(list(values))
    for variant in variants:
        for dimension, published in zip(DIMENSIONS, SUMMEVAL_PUBLISHED[variant], strict=True):
            human = [[s["scores"][dimension] for s in d["sys_summs"].values()] for d in documents]
            yield from _rank_correlations(
                f"{_NAMES[variant]} and {dimension}", published, scores[variant], human, SUMMEVAL
            )


def realsumm_checks(documents: Sequence[Mapping[str, Any]]) -> Iterator[Check]:
    """Recall against one reference."""
    human = [[s["scores"]["litepyramid_recall"] for s in d["sys_summs"].values()] for d in documents]
    for variant, published in REALSUMM_PUBLISHED.items():
        scores = [
            [
                rouge_pair(split_tokenised(s["sys_summ"]), split_tokenised(d["ref_summ"]), (variant,), stemmer=True)[
                    variant
                ].recall
                for s in d["sys_summs"].values()
            ]
            for d in documents
        ]
        yield from _rank_correlations(f"{_NAMES[variant]} recall", published, scores, human, REALSUMM)


def _rank_correlations(
    name: str, published: tuple[float, float], scores: list[list[float]], human: list[list[float]], source: str
) -> Iterator[Check]:
    spearman, kendall = summary_level(scores, human)
    yield Check(f"{name}, Spearman", published[0], spearman, TOLERANCE, source)
    yield Check(f"{name}, Kendall", published[1], kendall, TOLERANCE, source)


def summary_level(scores: Sequence[Sequence[float]], human: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Spearman and Kendall (tau-b) within each document, then the mean; documents with a constant side are skipped.

    The summary-level correlation of Louis & Nenkova 2013. NaN where every document is skipped.
    """
    from scipy.stats import kendalltau, spearmanr

    correlations = [
        (float(spearmanr(a, b).statistic), float(kendalltau(a, b).statistic))
        for a, b in zip(scores, human, strict=True)
        if len(set(a)) > 1 and len(set(b)) > 1
    ]
    if not correlations:
        return float("nan"), float("nan")
    spearman, kendall = np.mean(correlations, axis=0)
    return float(spearman), float(kendall)


def _read(external: Path, name: str) -> list[dict[str, Any]]:
    path = external / "summary_judgements" / name
    try:
        with path.open(encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.strip()]
    except FileNotFoundError as error:
        raise HarnessError(
            f"{path} is not there", hint="--external takes the folder that holds summary_judgements/"
        ) from error
    except json.JSONDecodeError as error:
        raise HarnessError(f"{path} is not JSON lines: {error}") from error
