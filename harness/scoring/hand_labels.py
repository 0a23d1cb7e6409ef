"""What summaries preserve as people read them: exact, without a judge, from the hand labels of the frozen set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from harness.data.frozen_set import REFERENCE, FrozenSet, FrozenSummary, open_labels, text_hash
from harness.metrics.preservation import OutcomeRow, outcomes
from harness.metrics.preservation_table import outcome_table
from harness.scoring.material import Material, Scored
from harness.scoring.preservation import row_as_data, with_intervals
from harness.types import Article


def score_hand_labels(material: Material, scored: Scored) -> None:
    """Adds the table `hand_labels`: coverage, fidelity, harm and shifts of the run's summaries, as people labelled them.

    `n` of `of` summaries are covered: every (speaker, target) with gold whose speaker the summary mentions has a label.
    `refused` says why there are no numbers. Beside them stand those of the articles' first reference summaries. There is no
    table without a frozen set, or where nobody labelled what this summariser writes.
    """
    assert material.summaries is not None
    if not material.frozen_set.articles:
        return
    table: dict[str, object] = {"labels": material.frozen_set.digest(material.articles)}
    texts, name = material.summaries.texts(), material.summariser or ""
    if covered := covered_summaries(material.frozen_set, material.articles, texts, name):
        table |= {"n": len(covered), "of": len(texts), "n_labels": _n_labels(covered)}
    if reason := refusal(material.frozen_set, material.articles, texts, name):
        table |= {"n": len(covered), "of": len(texts), "refused": reason}
    elif covered:
        table |= _preserved(covered, material, with_rows=True)
    references = {a.id: a.references[0] for a in material.articles if a.references}
    if of_people := covered_summaries(material.frozen_set, material.articles, references, REFERENCE):
        table[REFERENCE] = {
            "n": len(of_people), "of": len(references), "n_labels": _n_labels(of_people), **_preserved(of_people, material)
        }  # fmt: skip
    scored.tables["hand_labels"] = table


def covered_summaries(
    frozen: FrozenSet, articles: Iterable[Article], texts: Mapping[str, str], name: str
) -> dict[str, tuple[Article, FrozenSummary]]:
    """The wholly labelled summaries among `texts` (by article), by article.

    Of a summariser that the set names, those entered under its name; of another one, all or none: a few texts that it happens
    to share with a labelled system are no fair part of what it writes.
    """
    covered = {}
    named = frozen.written_by(name)
    for article in articles:
        entry = frozen.summary(article, texts[article.id]) if article.id in texts else None
        if entry is not None and (not named or name in entry.summarisers) and not open_labels(entry, article):
            covered[article.id] = (article, entry)
    return covered if named or len(covered) == len(texts) else {}


def refusal(frozen: FrozenSet, articles: Iterable[Article], texts: Mapping[str, str], name: str) -> str | None:
    """Why the labels of a summariser do not speak for it: one of its summaries, or of the articles, has changed; None if they
    do. What is left without the changed ones is no fair part of what it writes."""
    named = frozen.written_by(name)
    labelled = [a for a in articles if a.id in named and a.id in texts]
    edited = [a.id for a in labelled if frozen.articles[a.id].article_hash != text_hash(a.text)]
    changed = [a.id for a in labelled if a.id not in edited and frozen.summary(a, texts[a.id]) is None]
    if not edited and not changed:
        return None
    n = f"{len(changed)} of its {len(labelled)} labelled summaries {'has' if len(changed) == 1 else 'have'}"
    parts = [f"{n} changed since ({changed[0]})"] if changed else []
    parts += [f"the text of {len(edited)} articles has changed since ({edited[0]})"] if edited else []
    return f"{' and '.join(parts)}; label what it writes now: harness data sample-judge"


def whole_summaries(frozen: FrozenSet, articles: Iterable[Article]) -> Iterator[tuple[Article, FrozenSummary]]:
    """Every summary of the articles that has all its labels, and not because a sample happened to draw them."""
    for article in articles:
        for summary in frozen.of(article):
            if summary.summarisers and summary.labels and not open_labels(summary, article):
                yield article, summary


def hand_outcomes(article: Article, summary: FrozenSummary) -> list[OutcomeRow]:
    """What became of each gold stance in the summary, as people read it."""
    return outcomes(article, summary.text, summary.stances())


def _preserved(
    covered: Mapping[str, tuple[Article, FrozenSummary]], material: Material, *, with_rows: bool = False
) -> dict[str, object]:
    rows: Sequence[OutcomeRow] = [row for pair in covered.values() for row in hand_outcomes(*pair)]
    options = material.options
    by_id = {a.id: a for a in material.articles}
    values = with_intervals(rows, by_id, options.seed, options.resamples)
    table: dict[str, object] = {
        "metrics": {metric: asdict(value) for metric, value in values.items()},
        "outcomes": outcome_table(rows),
    }
    return table | ({"rows": [row_as_data(row) for row in rows]} if with_rows else {})


def _n_labels(covered: Mapping[str, tuple[Article, FrozenSummary]]) -> int:
    return sum(len(summary.stances()) for _, summary in covered.values())
