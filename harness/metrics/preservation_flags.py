"""Three flags for a summary that keeps a stance and still distorts it: rules on English wording."""

from __future__ import annotations

import re
from typing import Literal

from harness.text.sentences import sentences
from harness.text.speaker_mentions import mentioned
from harness.types import Article, Speaker, Stance, StanceLabel

Flag = Literal["condition_dropped", "history_as_current", "threat_as_warning"]

_CONDITION = re.compile(
    r"\b(?:if|unless|should|until|provided|providing|conditional(?:ly)?|conditions?|once|only when|in case|in the event|"
    r"as long as|so long as|would|were to|depends?|depending|in return|in exchange|subject to|whether|without|after)\b",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:had|once|formerly|former|previously|earlier|originally|initially|at first|used to|until|ago|before|then|"
    r"no longer|at the time|back in|had been|in (?:1[89]|20)\d\d|last (?:week|month|year|spring|summer|autumn|fall|winter)|"
    r"reversed|changed|abandoned|dropped|now)\b",
    re.IGNORECASE,
)
_WARNING = re.compile(
    r"\b(?:warn(?:s|ed|ing|ings)?|caution(?:s|ed|ing)?|concern(?:s|ed)?|worr(?:y|ies|ied)|fear(?:s|ed)?|alert(?:s|ed)?)\b",
    re.IGNORECASE,
)
_THREAT = re.compile(
    r"\b(?:threat(?:s|en|ens|ened|ening)?|vow(?:s|ed|ing)?|ultimatum|retaliat\w*|reveng\w*|pledg(?:es|ed|ing|e)|"
    r"promis(?:es|ed|ing|e)|will (?:respond|strike|attack|hit|destroy|answer|use|act)|would (?:respond|strike|attack|hit|"
    r"destroy|answer|use|retaliate)|swore|swears)\b",
    re.IGNORECASE,
)
_OPENING = re.compile(r"^['\"“‘(]*(?:(?P<he>he|his)|(?P<she>she|her)|(?P<they>they|it|their|its))\b", re.IGNORECASE)
_HE = re.compile(r"\b(?:he|him|his|himself)\b", re.IGNORECASE)
_SHE = re.compile(r"\b(?:she|hers?|herself)\b", re.IGNORECASE)


def passage_sentences(speaker: Speaker, text: str, article: Article) -> list[str]:
    """The text's sentences that mention the speaker, each with those after it that go on with a pronoun for the speaker.

    `he` and `she` go on after a person (`he` not where only `she` came before, and the reverse), `it` and `they` after an
    institution or a group.
    """
    passage: list[str] = []
    inside = False
    for sentence in sentences(text, article.language):
        inside = mentioned(speaker, sentence.text, article.speakers) or (
            inside and _goes_on(speaker, " ".join(passage), sentence.text)
        )
        if inside:
            passage.append(sentence.text)
    return passage


def _goes_on(speaker: Speaker, before: str, sentence: str) -> bool:
    opening = _OPENING.match(sentence)
    if opening is None or (speaker.kind == "person") == bool(opening["they"]):
        return False
    he, she = _HE.search(before) is not None, _SHE.search(before) is not None
    return not (opening["he"] and she and not he) and not (opening["she"] and he and not she)


def flags_of(
    label: StanceLabel, judged: Stance, speaker: Speaker, summary: str, article: Article
) -> tuple[tuple[Flag, ...], tuple[Flag, ...]]:
    """The flags that a conveyed stance earns, and those that could have applied; both empty outside English.

    All look at the speaker's passage (`passage_sentences`) only.

    `condition_dropped` could apply where gold is conditional (a condition, the modality or the phenomenon) and s has the
    sign of g; it does where the passage has no word of condition (if, unless, should, would, until, in return, …).
    `history_as_current` could apply to a gold of modality `historical` with s of its sign: it does where the passage has
    no word of the past (had, once, earlier, ago, a year, …). It also applies where gold replaces an earlier position
    (`changed_position`) and s is of the opposite sign, which is the position that was given up.
    `threat_as_warning` could apply where gold's act is `threaten` or it has the phenomenon `threat`: it does where the
    passage has a word of warning or concern and none of threat, vow or retaliation.
    """
    if not article.language.startswith("en"):
        return (), ()
    passage = " ".join(passage_sentences(speaker, summary, article))
    g, s = label.stance.degree or 0, judged.degree or 0
    flags: list[Flag] = []
    checked: list[Flag] = []
    if g * s > 0 and (label.condition or label.modality == "conditional" or "conditional" in label.phenomena):
        checked.append("condition_dropped")
        if not _CONDITION.search(passage):
            flags.append("condition_dropped")
    historical = label.modality == "historical" and g * s > 0
    if historical or "changed_position" in label.phenomena:
        checked.append("history_as_current")
        if (historical and not _PAST.search(passage)) or ("changed_position" in label.phenomena and g * s < 0):
            flags.append("history_as_current")
    if label.act == "threaten" or "threat" in label.phenomena:
        checked.append("threat_as_warning")
        if _WARNING.search(passage) and not _THREAT.search(passage):
            flags.append("threat_as_warning")
    return tuple(flags), tuple(checked)
