"""End to end without gold speakers: which speakers were found, with which stances and evidence, and where errors
arise."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.metrics.spans import Span, exact_match, overlap_f1
from harness.stats.bootstrap import RESAMPLES, Array, clustered_interval_counts, ratio
from harness.types import Article, ItemScore, MetricValue, Speaker, Stance

STAGES = (
    "speaker_missed",
    "stance_missed",
    "sign_wrong",
    "degree_wrong",
    "correct",
    "speaker_invented",
    "stance_invented",
)
"""Where a gold stance was lost (the first five add up to gold's), and what was found that gold does not have."""

TITLES = frozenset(
    """
    mr mrs ms dr sir lord lady prof professor president vice former ex acting prime foreign defence defense interior
    minister secretary chancellor general colonel admiral senator congressman congresswoman representative rep sen gov
    governor ambassador king queen prince the a an of state
    """.split()  # noqa: SIM905
)
"""Words before a name that say nothing of who it is."""


@dataclass(frozen=True, slots=True)
class FoundSpeaker:
    """A speaker as a system names him or her, with the stances it gives by target id and the evidence for each."""

    name: str
    stances: Mapping[str, Stance] = field(default_factory=dict)
    evidence: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoundSpeakers:
    """A system's whole answer for one article; with `error` there is none."""

    article: Article
    found: tuple[FoundSpeaker, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class SpeakerReport:
    """Aggregates under `speakers.*` and tables that are plain JSON."""

    metrics: dict[str, MetricValue]
    tables: dict[str, Any]


def normalise(name: str) -> tuple[str, ...]:
    """Words of a name: compatibility-folded, without case, accents, possessive and punctuation; any script stays."""
    folded = unicodedata.normalize("NFKD", name.replace("’", "'")).casefold()
    folded = "".join(ch for ch in folded if not unicodedata.combining(ch))
    return tuple(re.findall(r"\w+", re.sub(r"'s\b", "", folded)))


def match_speaker(name: str, speakers: Sequence[Speaker]) -> Speaker | None:
    """The declared speaker whom `name` means, or None where there is none or several fit equally.

    First match wins: the same words as a name or alias; the same words without titles; a person's surname, or any
    longer part of a name with it, where just one speaker bears it. A role ("the president") is no name and is never
    matched unless it is declared as an alias.
    """
    words = normalise(name)
    bare = _bare(words)
    readings = (
        lambda known: known == words,
        lambda known: bool(bare) and _bare(known) == bare,
    )
    for fits in readings:
        chosen = [s for s in speakers if any(fits(normalise(known)) for known in s.names)]
        if chosen:
            return chosen[0] if len(chosen) == 1 else None
    chosen = [
        s
        for s in speakers
        if s.kind == "person" and any(_same_person(bare, _bare(normalise(known))) for known in s.names)
    ]
    return chosen[0] if len(chosen) == 1 else None


def _bare(words: tuple[str, ...]) -> tuple[str, ...]:
    """Without titles in front; a name that is all titles stays as it is, so it only matches itself."""
    for i, word in enumerate(words):
        if word not in TITLES:
            return words[i:]
    return ()


def _same_person(found: tuple[str, ...], known: tuple[str, ...]) -> bool:
    """Whether both end in one surname and neither says a given name that the other contradicts."""
    if not found or not known or found[-1] != known[-1]:
        return False
    given, other = found[:-1], known[:-1]
    return all(_agrees(word, other) for word in given) or all(_agrees(word, given) for word in other)


def _agrees(word: str, others: Sequence[str]) -> bool:
    return not others or any(word == o or (min(len(word), len(o)) == 1 and word[0] == o[0]) for o in others)


@dataclass(frozen=True, slots=True)
class Matched:
    """An article's answer against gold: speakers by id, what matched nobody, names that repeat a speaker."""

    article: Article
    speakers: dict[str, tuple[FoundSpeaker, ...]]
    invented: tuple[FoundSpeaker, ...]
    n_duplicates: int
    n_vague: int

    def stances(self) -> dict[tuple[str, str], tuple[Stance, tuple[Span, ...]]]:
        """Stance and evidence by (speaker, target); of repeated names the first that says something counts."""
        said: dict[tuple[str, str], tuple[Stance, tuple[Span, ...]]] = {}
        for speaker, mentions in self.speakers.items():
            for mention in mentions:
                for target, stance in mention.stances.items():
                    if stance is not Stance.NO_STANCE:
                        said.setdefault((speaker, target), (stance, tuple(mention.evidence.get(target, ()))))
        return said


def match_article(answer: FoundSpeakers) -> Matched:
    """Match an answer's speakers to the declared ones.

    A name that means a vague speaker is neither right nor wrong. Several names of one speaker count once, as one hit:
    what a finder is asked for is who speaks.
    """
    speakers: dict[str, tuple[FoundSpeaker, ...]] = {}
    invented: list[FoundSpeaker] = []
    vague = 0
    for found in answer.found:
        speaker = match_speaker(found.name, answer.article.speakers)
        if speaker is None:
            invented.append(found)
        elif speaker.kind == "vague":
            vague += 1
        else:
            speakers[speaker.id] = (*speakers.get(speaker.id, ()), found)
    duplicates = sum(len(mentions) - 1 for mentions in speakers.values())
    return Matched(answer.article, speakers, tuple(invented), duplicates, vague)


def stages(matched: Matched) -> Counter[str]:
    """How many stances ended at each of `STAGES`; gold `no_stance` is nothing to find."""
    gold = _gold(matched.article)
    said = matched.stances()
    counts: Counter[str] = Counter()
    for (speaker, target), stance in gold.items():
        if speaker not in matched.speakers:
            counts["speaker_missed"] += 1
        elif (speaker, target) not in said:
            counts["stance_missed"] += 1
        else:
            answer = said[speaker, target][0]
            same_sign = answer.three_way == stance.three_way
            counts["correct" if answer == stance else "degree_wrong" if same_sign else "sign_wrong"] += 1
    counts["stance_invented"] = len(said.keys() - gold.keys())
    counts["speaker_invented"] = sum(max(1, len(_conveyed(found))) for found in matched.invented)
    return counts


def _conveyed(found: FoundSpeaker) -> list[str]:
    return [target for target, stance in found.stances.items() if stance is not Stance.NO_STANCE]


def _gold(article: Article) -> dict[tuple[str, str], Stance]:
    scored = {s.id for s in article.speakers if s.kind != "vague"}
    return {
        at: label.stance
        for at, label in article.gold_stances().items()
        if label.stance is not Stance.NO_STANCE and at[0] in scored
    }


def f1(sums: Array) -> Array:
    """F1 from sums (..., 3) of hits, found and gold, in [0, 1]: 2 hits / (found + gold); NaN where both are 0."""
    return ratio(np.stack([2 * sums[..., 0], sums[..., 1] + sums[..., 2]], axis=-1))


def score_speakers(answers: Sequence[FoundSpeakers]) -> list[ItemScore]:
    """Item scores by article: F1 of speakers, of (speaker, target, stance) and of its three-way form."""
    scores = []
    for answer in answers:
        counts = None if answer.error is not None else _counts(match_article(answer))
        for column, name in enumerate(_F1_NAMES):
            value: float | None = None
            reason: str | None = f"no answer: {answer.error}"
            if counts is not None:
                found = float(f1(counts[column].astype(np.float64)[None])[0])
                value, reason = (None, "nothing to find, nothing found") if np.isnan(found) else (found, None)
            scores.append(ItemScore(answer.article.id, answer.article.id, f"speakers.{name}", value, reason=reason))
    return scores


_F1_NAMES = ("f1", "stance_f1.six_label", "stance_f1.three_way")


def _counts(matched: Matched) -> Array:
    """Hits, found and gold of speakers, of stances and of three-way stances, shape (3, 3)."""
    gold, said = _gold(matched.article), matched.stances()
    declared = {s.id for s in matched.article.speakers if s.kind != "vague"}
    n_said = len(said) + sum(len(_conveyed(found)) for found in matched.invented)
    exact = sum(at in said and said[at][0] == stance for at, stance in gold.items())
    side = sum(at in said and said[at][0].three_way == stance.three_way for at, stance in gold.items())
    n_found = len(matched.speakers) + len(matched.invented)
    return np.array(
        [[len(matched.speakers), n_found, len(declared)], [exact, n_said, len(gold)], [side, n_said, len(gold)]]
    )


def aggregate_speakers(answers: Sequence[FoundSpeakers], *, seed: int = 0, resamples: int = RESAMPLES) -> SpeakerReport:
    """Pooled F1s, evidence overlap on the stances of found speakers, and errors by stage, with intervals by article.

    `speakers.f1`; `speakers.stance_f1.<scale>`: F1 of (speaker, target, stance); `speakers.evidence_f1`, `_exact`: of
    gold stances with evidence that were found at all. An article without an answer is unscored and counted.
    """
    done = [match_article(answer) for answer in answers if answer.error is None]
    n_errors = len(answers) - len(done)
    metrics: dict[str, MetricValue] = {}
    counts = np.stack([_counts(m) for m in done]) if done else np.zeros((0, 3, 3))
    for column, name in enumerate(_F1_NAMES):
        interval = clustered_interval_counts(counts[:, column], f1, seed=seed, resamples=resamples)
        metrics[f"speakers.{name}"] = interval.metric(len(done), n_errors)
    overlaps = [_evidence(m) for m in done]
    sums = np.array([[sum(o[0] for o in one), sum(o[1] for o in one), len(one)] for one in overlaps]).reshape(-1, 3)
    n = int(sums[:, 2].sum())
    for column, name in enumerate(("evidence_f1", "evidence_exact")):
        interval = clustered_interval_counts(sums[:, [column, 2]], ratio, seed=seed, resamples=resamples)
        metrics[f"speakers.{name}"] = interval.metric(n, n_errors)
    by_stage: Counter[str] = sum((stages(m) for m in done), Counter())
    tables: dict[str, Any] = {
        "speakers.stages": {stage: by_stage[stage] for stage in STAGES},
        "speakers.unmatched": dict(Counter(found.name for m in done for found in m.invented).most_common()),
        "speakers.repeated_names": sum(m.n_duplicates for m in done),
        "speakers.vague": sum(m.n_vague for m in done),
        "speakers.unscored": dict(Counter(a.error for a in answers if a.error is not None)),
    }
    return SpeakerReport(metrics, tables)


def _evidence(matched: Matched) -> list[tuple[float, float]]:
    """Character F1 and exactness of the evidence of each gold stance that was found and quotes something."""
    gold = matched.article.gold_stances()
    overlaps = []
    for at, (_, spans) in matched.stances().items():
        label = gold.get(at)
        if label is None or not label.evidence or label.stance is Stance.NO_STANCE:
            continue
        own = [(e.start, e.end) for e in label.evidence]
        overlaps.append((overlap_f1(own, spans) or 0.0, float(exact_match(own, spans))))
    return overlaps
