"""Scores where a finder named the speakers: which of them gold has, their stances and evidence, and where errors arose."""

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
from harness.text.speaker_mentions import mentions, plain_letters
from harness.types import Article, ItemScore, MetricValue, Speaker, Stance

STAGES = (
    "speaker_missed",
    "stance_missed",
    "stance_unparsed",
    "sign_wrong",
    "degree_wrong",
    "correct",
    "speaker_invented",
    "stance_invented",
)
"""Where a gold stance was lost (the first six), and which speakers and stances gold does not have (the last two).

The first six add up to the number of gold stances, less those whose answer failed.
"""

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
    """A speaker as a system names him or her, with the stances it gives by target id and the evidence for each.

    `unparsed` are the targets about which its answer could not be read, `failed` those without an answer and why.
    """

    name: str
    stances: Mapping[str, Stance] = field(default_factory=dict)
    evidence: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    unparsed: frozenset[str] = frozenset()
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def conveyed(self) -> list[str]:
        """Targets on which a stance is given."""
        return [target for target, stance in self.stances.items() if stance is not Stance.NO_STANCE]


@dataclass(frozen=True, slots=True)
class FoundSpeakers:
    """A system's whole answer for one article; with `error` there is none, with `no_stances` there are speakers only.

    Both say why.
    """

    article: Article
    speakers: tuple[FoundSpeaker, ...] = ()
    error: str | None = None
    no_stances: str | None = None

    @property
    def stances_unscored(self) -> str | None:
        """Why no stance of the article is scored: nobody was asked, or every answer failed; None if some are scored."""
        if self.error is not None:
            return f"no answer: {self.error}"
        answered = any(named.stances or named.unparsed for named in self.speakers)
        return self.no_stances if answered else failures([self]) or self.no_stances


@dataclass(frozen=True, slots=True)
class SpeakerReport:
    """Aggregates under `speakers.*` and tables that are plain JSON."""

    metrics: dict[str, MetricValue]
    tables: dict[str, Any]


def normalise(name: str) -> tuple[str, ...]:
    """Words of a name: compatibility-folded, without case, accents, possessive and punctuation; any script stays."""
    folded = unicodedata.normalize("NFKD", plain_letters(name).replace("’", "'")).casefold()
    folded = "".join(ch for ch in folded if not unicodedata.combining(ch))
    return tuple(re.findall(r"\w+", re.sub(r"'s\b", "", folded)))


def match_speaker(name: str, speakers: Sequence[Speaker]) -> Speaker | None:
    """The declared speaker whom `name` means, or None where there is none or several fit equally.

    First match wins: the same words as a name or alias; the same words without titles; a person's surname, or any
    longer part of a name with it, where just one speaker bears it; what `mentions` takes for the speaker (`U.S.` for the
    alias `US`, `Kremlin` for the Russian government), where it takes it for just one. A role ("the president") is no name
    and is never matched unless it is declared as an alias.
    """
    words = normalise(name)
    bare = _bare(words)
    readings = (
        lambda declared_name: declared_name == words,
        lambda declared_name: bool(bare) and _bare(declared_name) == bare,
    )
    for fits in readings:
        chosen = [s for s in speakers if any(fits(normalise(declared_name)) for declared_name in s.names)]
        if chosen:
            return chosen[0] if len(chosen) == 1 else None
    chosen = [
        s
        for s in speakers
        if s.kind == "person" and any(_same_person(bare, _bare(normalise(declared_name))) for declared_name in s.names)
    ] or [s for s in speakers if _mentions_wholly(name, s, speakers)]
    return chosen[0] if len(chosen) == 1 else None


def _mentions_wholly(name: str, speaker: Speaker, speakers: Sequence[Speaker]) -> bool:
    """Whether the name, but for an article before it, is one mention of the speaker, and not by a role."""
    composed = unicodedata.normalize("NFC", name)
    return any(
        m.kind != "role" and normalise(composed[: m.start]) in ((), ("the",)) and not normalise(composed[m.end :])
        for m in mentions(speaker, composed, speakers)
    )


def _bare(words: tuple[str, ...]) -> tuple[str, ...]:
    """Without titles in front; a name that is all titles stays as it is, so it only matches itself."""
    for i, word in enumerate(words):
        if word not in TITLES:
            return words[i:]
    return ()


def _same_person(name: tuple[str, ...], declared_name: tuple[str, ...]) -> bool:
    """Whether both end in one surname and neither says a given name that the other contradicts."""
    if not name or not declared_name or name[-1] != declared_name[-1]:
        return False
    given_names, other = name[:-1], declared_name[:-1]
    return all(_agrees(word, other) for word in given_names) or all(_agrees(word, given_names) for word in other)


def _agrees(word: str, others: Sequence[str]) -> bool:
    return not others or any(word == o or (min(len(word), len(o)) == 1 and word[0] == o[0]) for o in others)


@dataclass(frozen=True, slots=True)
class Matched:
    """An article's answer against gold: speakers by id, what matched nobody, names that repeat a speaker.

    `stances` has stance and evidence by (speaker, target); of a speaker's names the first with a stance counts. `failed`
    are pairs about which nothing is said because an answer failed, `unparsed` the others because one could not be read.
    Where gold is incomplete, a pair that nobody labelled is neither right nor wrong: it is in none of the three, and of
    those on which a stance was given (also of speakers who matched nobody) there are `n_unlabelled`. With
    `stances_unscored`, which says why, no stance of the article counts.
    """

    article: Article
    speakers: dict[str, tuple[FoundSpeaker, ...]]
    invented: tuple[FoundSpeaker, ...]
    n_duplicates: int
    n_vague: int
    stances: dict[tuple[str, str], tuple[Stance, tuple[Span, ...]]]
    failed: frozenset[tuple[str, str]]
    unparsed: frozenset[tuple[str, str]]
    n_unlabelled: int
    stances_unscored: str | None

    def gold(self) -> dict[tuple[str, str], Stance]:
        """Gold stances that are to be found: none of vague speakers, no `no_stance`, none about which an answer failed."""
        scored = {s.id for s in self.article.speakers if s.kind != "vague"}
        return {
            at: label.stance
            for at, label in self.article.gold_stances().items()
            if label.stance is not Stance.NO_STANCE and at[0] in scored and at not in self.failed
        }

    def n_invented(self, stranger: FoundSpeaker) -> int:
        """Stances given for somebody who matched nobody; nothing is known of them where gold is incomplete."""
        return len(stranger.conveyed) if self.article.complete else 0

    def n_unscored(self) -> int:
        """(speaker, target) pairs whose answer failed; if the article is unscored as a whole, its gold stances as well."""
        failed = len(self.failed) + sum(len(stranger.failed) for stranger in self.invented if self.article.complete)
        return failed + (len(self.gold()) if self.stances_unscored else 0)

    def n_scored(self) -> int:
        """(speaker, target) pairs of which gold or the answer has a stance."""
        if self.stances_unscored:
            return 0
        return len(self.gold().keys() | self.stances.keys()) + sum(map(self.n_invented, self.invented))


def failures(answers: Sequence[FoundSpeakers]) -> str | None:
    """How many stance answers failed, and why the first did; None if all are there."""
    failed = [reason for a in answers for named in a.speakers for reason in named.failed.values()]
    if not failed:
        return None
    n = len(failed) + sum(len(named.stances) + len(named.unparsed) for a in answers for named in a.speakers)
    return f"{len(failed)} of {n} stance answers failed: {failed[0]}"


def match_article(answer: FoundSpeakers) -> Matched:
    """Match an answer's speakers to the declared ones.

    A name that means a vague speaker is neither right nor wrong. Several names of one speaker count once, as one hit:
    what a finder is asked for is who speaks.
    """
    speakers: dict[str, tuple[FoundSpeaker, ...]] = {}
    invented: list[FoundSpeaker] = []
    vague = 0
    for named in answer.speakers:
        speaker = match_speaker(named.name, answer.article.speakers)
        if speaker is None:
            invented.append(named)
        elif speaker.kind == "vague":
            vague += 1
        else:
            speakers[speaker.id] = (*speakers.get(speaker.id, ()), named)
    labelled = None if answer.article.complete else answer.article.gold_stances().keys()
    stances: dict[tuple[str, str], tuple[Stance, tuple[Span, ...]]] = {}
    failed: set[tuple[str, str]] = set()
    unparsed: set[tuple[str, str]] = set()
    for speaker_id, names in speakers.items():
        for named in names:
            for target in named.conveyed:
                stances.setdefault((speaker_id, target), (named.stances[target], tuple(named.evidence.get(target, ()))))
            failed |= {(speaker_id, target) for target in named.failed}
            unparsed |= {(speaker_id, target) for target in named.unparsed}
    unlabelled = set() if labelled is None else stances.keys() - labelled
    scored_pairs = stances.keys() | failed | unparsed if labelled is None else set(labelled)
    return Matched(
        article=answer.article,
        speakers=speakers,
        invented=tuple(invented),
        n_duplicates=sum(len(names) - 1 for names in speakers.values()),
        n_vague=vague,
        stances={at: stance for at, stance in stances.items() if at not in unlabelled},
        failed=frozenset((failed & scored_pairs) - stances.keys()),
        unparsed=frozenset((unparsed & scored_pairs) - failed - stances.keys()),
        n_unlabelled=len(unlabelled) + (0 if labelled is None else sum(len(named.conveyed) for named in invented)),
        stances_unscored=answer.stances_unscored,
    )


def stages(matched: Matched) -> Counter[str]:
    """How many stances ended at each of `STAGES`; gold `no_stance` is nothing to find, what failed is nowhere."""
    gold, stances = matched.gold(), matched.stances
    counts: Counter[str] = Counter()
    for (speaker, target), stance in gold.items():
        if speaker not in matched.speakers:
            counts["speaker_missed"] += 1
        elif matched.stances_unscored:
            continue
        elif (speaker, target) not in stances:
            counts["stance_unparsed" if (speaker, target) in matched.unparsed else "stance_missed"] += 1
        else:
            answer = stances[speaker, target][0]
            same_sign = answer.three_way == stance.three_way
            counts["correct" if answer == stance else "degree_wrong" if same_sign else "sign_wrong"] += 1
    counts["stance_invented"] = len(stances.keys() - gold.keys())
    counts["speaker_invented"] = sum(max(1, matched.n_invented(stranger)) for stranger in matched.invented)
    return counts


def f1(sums: Array) -> Array:
    """F1 from sums (..., 3) of hits, found and gold, in [0, 1]: 2 hits / (found + gold); NaN where both are 0."""
    return ratio(np.stack([2 * sums[..., 0], sums[..., 1] + sums[..., 2]], axis=-1))


def score_speakers(answers: Sequence[FoundSpeakers]) -> list[ItemScore]:
    """Item scores by article: F1 of speakers, of (speaker, target, stance) and of its three-way form."""
    scores = []
    for answer in answers:
        counts = _counts(match_article(answer)).astype(np.float64)
        speakers_unscored = None if answer.error is None else answer.stances_unscored
        stances = answer.stances_unscored, failures([answer])
        for column, (name, (unscored, beside)) in enumerate(
            zip(_F1_NAMES, ((speakers_unscored, None), stances, stances), strict=True)
        ):
            score = float(f1(counts[column][None])[0])
            value, reason = (None, "nothing to find, nothing found") if np.isnan(score) else (score, beside)
            if unscored is not None:
                value, reason = None, unscored
            scores.append(ItemScore(answer.article.id, answer.article.id, f"speakers.{name}", value, reason=reason))
    return scores


_F1_NAMES = ("f1", "stance_f1.six_label", "stance_f1.three_way")


def _counts(matched: Matched) -> Array:
    """Hits, found and gold of speakers, of stances and of three-way stances, shape (3, 3); 0 for what is not scored."""
    gold, stances = ({}, {}) if matched.stances_unscored else (matched.gold(), matched.stances)
    declared = {s.id for s in matched.article.speakers if s.kind != "vague"}
    n_stances = len(stances) + (0 if matched.stances_unscored else sum(map(matched.n_invented, matched.invented)))
    exact = sum(at in stances and stances[at][0] == stance for at, stance in gold.items())
    side = sum(at in stances and stances[at][0].three_way == stance.three_way for at, stance in gold.items())
    n_found = len(matched.speakers) + len(matched.invented)
    return np.array(
        [[len(matched.speakers), n_found, len(declared)], [exact, n_stances, len(gold)], [side, n_stances, len(gold)]]
    )


def aggregate_speakers(answers: Sequence[FoundSpeakers], *, seed: int = 0, resamples: int = RESAMPLES) -> SpeakerReport:
    """Pooled F1s, evidence overlap on the stances of found speakers, and errors by stage, with intervals by article.

    `speakers.f1`; `speakers.stance_f1.<scale>`: F1 of (speaker, target, stance); `speakers.evidence_f1`, `_exact`: of
    gold stances with evidence that were found at all. An article without an answer is unscored and counted. `speakers.f1`
    counts articles, the others (speaker, target) pairs: those of a failed answer are unscored, and where every answer of an
    article failed, or nobody was asked, all its gold stances. An unparsed answer is wrong.
    """
    matched = [match_article(answer) for answer in answers]
    done = [m for m, answer in zip(matched, answers, strict=True) if answer.error is None]
    n_errors, n_pairs = len(answers) - len(done), sum(m.n_unscored() for m in matched)
    notes = list(filter(None, [failures(answers), *dict.fromkeys(a.no_stances for a in answers)]))
    metrics: dict[str, MetricValue] = {}
    counts = np.stack([_counts(m) for m in done]) if done else np.zeros((0, 3, 3))
    for column, name in enumerate(_F1_NAMES):
        interval = clustered_interval_counts(counts[:, column], f1, seed=seed, resamples=resamples)
        metrics[f"speakers.{name}"] = (
            interval.metric(sum(m.n_scored() for m in done), n_pairs, notes)
            if column
            else interval.metric(len(done), n_errors)
        )
    overlaps = [_evidence(m) for m in done]
    sums = np.array([[sum(o[0] for o in one), sum(o[1] for o in one), len(one)] for one in overlaps]).reshape(-1, 3)
    n = int(sums[:, 2].sum())
    for column, name in enumerate(("evidence_f1", "evidence_exact")):
        interval = clustered_interval_counts(sums[:, [column, 2]], ratio, seed=seed, resamples=resamples)
        metrics[f"speakers.{name}"] = interval.metric(n, n_pairs, notes)
    by_stage: Counter[str] = sum((stages(m) for m in done), Counter())
    tables: dict[str, Any] = {
        "speakers.stages": {stage: by_stage[stage] for stage in STAGES},
        "speakers.unmatched": dict(Counter(stranger.name for m in done for stranger in m.invented).most_common()),
        "speakers.repeated_names": sum(m.n_duplicates for m in done),
        "speakers.vague": sum(m.n_vague for m in done),
        "speakers.unlabelled": sum(m.n_unlabelled for m in done),
        "speakers.unscored": dict(Counter(a.error for a in answers if a.error is not None)),
        "speakers.unscored_stances": dict(Counter(r for a in answers for f in a.speakers for r in f.failed.values())),
    }
    return SpeakerReport(metrics, tables)


def _evidence(matched: Matched) -> list[tuple[float, float]]:
    """Character F1 and exactness of the evidence of each gold stance that was found and quotes something."""
    gold = matched.article.gold_stances()
    overlaps = []
    for at, (_, spans) in matched.stances.items():
        label = gold.get(at)
        if label is None or not label.evidence or label.stance is Stance.NO_STANCE:
            continue
        gold_spans = [(e.start, e.end) for e in label.evidence]
        overlaps.append((overlap_f1(gold_spans, spans) or 0.0, float(exact_match(gold_spans, spans))))
    return overlaps
