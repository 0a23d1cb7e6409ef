"""What a classifier can guess of a dataset's labels without reading: from order, lengths and typography."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import quantiles

from harness.text.body import body_sentences
from harness.types import ESCALATION, Article, Dataset, Stance

MOST_ORDER = 0.01
"""Macro-F1 that places in the order of declaration may add before the set counts as leaking them."""

MOST_SHARE = 0.08
"""How far the share of stances of what is declared first may lie from that of the rest."""

LEAD = 3
"""Sentences at the beginning of a text that a summariser of first sentences takes."""

TYPOGRAPHIC = "“”‘’–—"


@dataclass(frozen=True)
class Shape:
    """Shares lie in 0..1; `words` and the counts of declarations are 10 %, 50 % and 90 % quantiles.

    `stances_by_target` and `stances_by_speaker` are (pairs with a stance, pairs) among concrete targets, by the place of the
    target or speaker (from 1) among those declared; the last place holds all further ones. `metadata` is the three-way
    macro-F1 of the system `metadata`, cross-validated by event, with and without order, on concrete targets and on
    `escalation`; None where there is one event only.
    """

    words: tuple[float, float, float]
    speakers: tuple[float, float, float]
    targets: tuple[float, float, float]
    stances_by_target: tuple[tuple[int, int], ...]
    stances_by_speaker: tuple[tuple[int, int], ...]
    stances_in_lead: float
    speakers_in_several_paragraphs: float
    typographic: float
    metadata: dict[str, tuple[float, float]] | None

    @property
    def warnings(self) -> list[str]:
        """What a model could learn of the labels without reading, in words; empty where nothing passes its bound."""
        lines = []
        for what, places in (("target", self.stances_by_target), ("speaker", self.stances_by_speaker)):
            (stanced, pairs), rest = places[0], tuple(map(sum, zip(*places[1:], strict=True)))
            if rest and abs(gap := stanced / pairs - rest[0] / rest[1]) > MOST_SHARE:
                more = "more" if gap > 0 else "less"
                lines.append(
                    f"the {what} that is declared first carries a stance {100 * abs(gap):.0f} points {more} often than the "
                    f"others (bound {100 * MOST_SHARE:.0f}): harness data order puts declarations into a seeded order"
                )
        for scope, (with_order, without) in (self.metadata or {}).items():
            if with_order - without > MOST_ORDER:
                lines.append(
                    f"order adds {with_order - without:.3f} macro-F1 to metadata on {scope} (bound {MOST_ORDER}): "
                    "harness data order puts declarations into a seeded order"
                )
        return lines


def shape(dataset: Dataset) -> Shape:
    """The shape of a dataset with gold; ValueError for one without."""
    articles = [a for a in dataset if a.gold is not None]
    if not articles:
        raise ValueError("no article has gold")
    spread = [_spread_speakers(a) for a in articles]
    leads = [share for a in articles for share in _in_lead(a)]
    return Shape(
        words=_quantiles(len(a.text.split()) for a in articles),
        speakers=_quantiles(len(a.speakers) for a in articles),
        targets=_quantiles(len(a.targets) - 1 for a in articles),
        stances_by_target=_by_place(articles, "target", 4),
        stances_by_speaker=_by_place(articles, "speaker", 7),
        stances_in_lead=sum(leads) / len(leads) if leads else 0.0,
        speakers_in_several_paragraphs=sum(several for several, _ in spread) / max(1, sum(n for _, n in spread)),
        typographic=sum(any(sign in a.text for sign in TYPOGRAPHIC) for a in articles) / len(articles),
        metadata=metadata_scores(dataset),
    )


def _quantiles(numbers: Iterable[int]) -> tuple[float, float, float]:
    values = list(numbers)
    if len(values) == 1:
        return values[0], values[0], values[0]
    tenths = quantiles(values, n=10, method="inclusive")
    return tenths[0], tenths[4], tenths[8]


def _by_place(articles: Iterable[Article], what: str, most: int) -> tuple[tuple[int, int], ...]:
    """How many concrete pairs carry a stance, and how many there are, by place of the target or speaker; further places count
    as the last."""
    stanced: Counter[int] = Counter()
    total: Counter[int] = Counter()
    for article in articles:
        gold = article.gold_stances()
        concrete = [t for t in article.targets if t.id != ESCALATION]
        for i, speaker in enumerate(article.speakers):
            for j, target in enumerate(concrete):
                label = gold.get((speaker.id, target.id))
                if speaker.kind == "vague" or label is None:
                    continue
                place = min(j if what == "target" else i, most - 1)
                total[place] += 1
                stanced[place] += label.stance is not Stance.NO_STANCE
    return tuple((stanced[k], total[k]) for k in sorted(total))


def _in_lead(article: Article) -> list[bool]:
    """For each gold stance whether one of its passages begins in the first sentences of the text."""
    sentences = body_sentences(article)
    end = sentences[min(LEAD, len(sentences)) - 1].end if sentences else 0
    gold = article.gold.stances if article.gold else ()
    return [any(e.start < end for e in s.evidence) for s in gold if s.stance is not Stance.NO_STANCE]


def _spread_speakers(article: Article) -> tuple[int, int]:
    """How many speakers have evidence in two paragraphs or more, and how many have any."""
    paragraphs: dict[str, set[int]] = defaultdict(set)
    for label in article.gold.stances if article.gold else ():
        paragraphs[label.speaker] |= {article.text.count("\n\n", 0, e.start) for e in label.evidence}
    held = [places for places in paragraphs.values() if places]
    return sum(len(places) > 1 for places in held), len(held)


def metadata_scores(dataset: Dataset) -> dict[str, tuple[float, float]] | None:
    """Three-way macro-F1 of the system `metadata` with and without order, by scope, each event told from all others."""
    import numpy as np

    from harness.metrics import confusion as cm
    from harness.systems.base import Context
    from harness.systems.fitted import labelled_pairs
    from harness.systems.metadata import Metadata, MetadataOptions
    from harness.types import STANCES

    pairs = labelled_pairs(dataset)
    events = np.array([item.article.event for item, _ in pairs])
    if len(set(events)) < 2:
        return None
    labels = np.array([stance.value for _, stance in pairs])
    gold = np.array([STANCES.index(stance) for _, stance in pairs])
    concrete = np.array([item.target is not None and item.target.id != ESCALATION for item, _ in pairs])
    context, items = Context(dataset), [item for item, _ in pairs]
    scores: dict[str, list[float]] = {"concrete targets": [], ESCALATION: []}
    for order in (True, False):
        system = Metadata("metadata", MetadataOptions(order=order))
        rows = system.features(items, context)
        answers = np.empty_like(gold)
        for event in dict.fromkeys(events.tolist()):
            others = events != event
            learned = system.learned(rows[others], labels[others])(rows[~others])
            answers[~others] = [STANCES.index(a.label) for a in learned if a.label is not None]
        for scope, chosen in (("concrete targets", concrete), (ESCALATION, ~concrete)):
            if chosen.any():
                counts = cm.count(np.zeros(chosen.sum(), int), gold[chosen], answers[chosen], 1)
                scores[scope].append(float(cm.macro_f1(cm.collapse(counts).sum(axis=0)[None].astype(float))[0]))
    return {scope: (values[0], values[1]) for scope, values in scores.items() if values}
