"""What a report shows without gold: stances that a judge finds changed or lost, and where classifiers differ most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from harness.report.collect import Runs
from harness.report.judge import doubt_words
from harness.types import Stance


@dataclass(frozen=True)
class Suspicion:
    """A stance that the judge reads from the article and finds lost or turned in a summary; `sentences` are the article's."""

    summariser: str
    article: str
    speaker: str
    speaker_id: str
    target: str
    outcome: str
    article_says: str
    summary_says: str | None
    sentences: tuple[str, ...]

    def __str__(self) -> str:
        readings = f" (article: {self.article_says}, summary: {self.summary_says or 'nothing'})"
        return f"{self.article}: {self.summariser}: {self.outcome.replace('_', ' ')}: {self.speaker} on {self.target}{readings}"


@dataclass(frozen=True)
class Disagreement:
    """One pair on which classifiers differ; `spread` is the greatest distance in steps (off the scale counts as 0)."""

    article: str
    speaker: str
    target: str
    labels: tuple[tuple[str, str], ...]
    spread: int

    def __str__(self) -> str:
        return f"{self.article}: {self.speaker} on {self.target}: " + ", ".join(
            f"{name} {label}" for name, label in self.labels
        )


def suspicions(runs: Runs) -> list[Suspicion]:
    """Harms first, then drops, by article."""
    readings: list[Suspicion] = []
    for row in runs.rows("summariser"):
        table = row.tables.get("suspected")
        try:
            readings += [_suspicion(row.name, data) for data in table or ()] if isinstance(table, list) else []
        except (KeyError, TypeError) as error:
            runs.note(
                f"{row.run.run_id}: its suspected flips and drops are not readable ({type(error).__name__}: {error})"
            )
    return sorted(
        readings, key=lambda s: (s.outcome.startswith("dropped"), s.article, s.summariser, s.speaker, s.target)
    )


def suspected_harms(runs: Runs) -> list[Suspicion]:
    """The suspicions that are listed: what a summary turns round or makes up. That it leaves people out is no alarm (a summary
    of three sentences must): reports count it, and the article's view has it beside the summary."""
    return [s for s in suspicions(runs) if not s.outcome.startswith("dropped")]


def _suspicion(summariser: str, data: dict[str, Any]) -> Suspicion:
    return Suspicion(
        summariser=summariser,
        article=data["article"],
        speaker=data["speaker_name"],
        speaker_id=data["speaker"],
        target=data["target"],
        outcome=data["outcome"],
        article_says=data["article_says"],
        # where the summary leaves the speaker out, what the judge read there means nothing
        summary_says=None if data["outcome"] == "dropped_speaker" else data["summary_says"],
        sentences=tuple(data["sentences"]),
    )


def disagreements(runs: Runs) -> list[Disagreement]:
    """Pairs that several classifiers answered differently, widest spread first."""
    answers: dict[tuple[str, str, str], dict[str, Stance]] = defaultdict(dict)
    for row in runs.rows("stance"):
        for ref, prediction in runs.answers(row):
            if prediction is not None and prediction.answer.label is not None:
                answers[ref.article_id, ref.speaker_id or "", ref.target_id or ""][row.name] = prediction.answer.label
    disputed = [
        Disagreement(*pair, tuple((n, str(s)) for n, s in sorted(labels.items())), spread(list(labels.values())))
        for pair, labels in answers.items()
        if len(set(labels.values())) > 1
    ]
    return sorted(disputed, key=lambda d: (-d.spread, d.article, d.speaker, d.target))


def spread(labels: list[Stance]) -> int:
    """Greatest distance between two labels."""
    return max((abs((a.degree or 0) - (b.degree or 0)) for a, b in combinations(labels, 2)), default=0)


SUSPECTED = "Suspected flips"
DISPUTED = "Where systems disagree"


def unasked(runs: Runs) -> dict[str, str]:
    """By title, why there is no suspicion, or no disagreement, and which system to add; empty where there can be."""
    reasons = {}
    answered = [row for row in runs.rows("stance") if row.use.status == "ok"]
    if not runs.rows("summariser"):
        reasons[SUSPECTED] = "no summary was made: add summariser=lead3 judge=sentiment to harness run"
    elif runs.judge is None:
        reasons[SUSPECTED] = "no judge was asked: add judge=sentiment (or judge=smollm2) to harness run"
    if len(answered) < 2:
        other = "smollm2" if any(row.name == "sentiment" for row in answered) else "sentiment"
        who = f"{answered[0].name} alone answered" if answered else "no stance classifier answered"
        reasons[DISPUTED] = f"{who}: run again with stance={other}, so that there are two to compare"
    return reasons


def without_gold(runs: Runs, most: int) -> Iterator[str]:
    """Lines for a text report; nothing where there is gold."""
    if runs.use is None or runs.use.labelled:
        return
    missing = unasked(runs)
    for title, rows in ((SUSPECTED, suspected_harms(runs)), (DISPUTED, disagreements(runs))):
        if title in missing:
            yield f"{title}: {missing[title]}"
            continue
        yield f"{title}{doubt_words(runs) if title == SUSPECTED else ''}: {len(rows)}"
        for row in rows[:most]:
            yield f"  {row}"
            if isinstance(row, Suspicion):
                yield from (f"      “{sentence}”" for sentence in row.sentences)
        if len(rows) > most:
            yield f"  … and {len(rows) - most} more in report.md"
