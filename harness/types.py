"""The words of the project as frozen data: articles, speakers, targets, stances, predictions, scores; no I/O."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal, TypeVar

from harness.runtime.frames import Tabular

ESCALATION = "escalation"
"""Id of the target that every article has."""

ESCALATION_PROPOSITION = (
    "The speaker's own side (for an outsider, either side) should raise the conflict's intensity or scope."
)


class Stance(StrEnum):
    """A label: five ordered points, and `no_stance` off the scale."""

    OPPOSE = "oppose"
    LEAN_OPPOSE = "lean_oppose"
    NEUTRAL = "neutral"
    LEAN_SUPPORT = "lean_support"
    SUPPORT = "support"
    NO_STANCE = "no_stance"

    @property
    def degree(self) -> int | None:
        """Position on the scale in [-2, 2]; None for `no_stance`."""
        return _DEGREES[self]

    @property
    def three_way(self) -> ThreeWay:
        """The collapse used by the literature: lean_* go to their side, `neutral` and `no_stance` to none."""
        degree = self.degree or 0
        return ThreeWay.FAVOR if degree > 0 else ThreeWay.AGAINST if degree < 0 else ThreeWay.NONE


class ThreeWay(StrEnum):
    """The three labels of SemEval-2016 task 6."""

    AGAINST = "against"
    NONE = "none"
    FAVOR = "favor"


_DEGREES: dict[Stance, int | None] = dict(zip(Stance, (-2, -1, 0, 1, 2, None), strict=True))
STANCES: tuple[Stance, ...] = tuple(Stance)
SCALE: tuple[Stance, ...] = STANCES[:5]
Direction = Literal["escalate", "de_escalate"]
SpeakerKind = Literal["person", "institution", "group", "vague"]
Act = Literal["advocate", "authorise", "refuse", "warn", "threaten", "demand", "justify", "deny", "report"]
Modality = Literal["actual", "conditional", "hypothetical", "future", "historical", "negated"]
Basis = Literal["declared", "both_sides", "undecided", "divided"]
SourceKind = Literal["news", "documented", "fictional"]
Split = Literal["dev", "test"]

PHENOMENA: tuple[str, ...] = (
    "direct_quote", "indirect_speech", "implicit", "action_only", "threat", "warning", "conditional", "partial_permission",
    "changed_position", "nested_quote", "denied_attribution", "metonym", "role_reference", "shared_surname", "irony",
    "loaded_verb", "peaceful_wording", "martial_wording", "late_speaker",
)  # fmt: skip
"""What makes a stance hard to read; results are sliced by these."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage copied verbatim from the article; `start` and `end` are half-open code-point offsets into its text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class StanceLabel:
    """What one annotator (or gold) says of one (speaker, target) pair."""

    speaker: str
    target: str
    stance: Stance
    act: Act | None = None
    modality: Modality = "actual"
    condition: str | None = None
    basis: Basis | None = None
    evidence: tuple[Evidence, ...] = ()
    phenomena: tuple[str, ...] = ()
    confidence: int | None = None
    note: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotator's labels of one article; gold is the adjudicator's."""

    annotator: str
    stances: tuple[StanceLabel, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A proposition that stances are about; `rung` in 0..4 (None for the target `escalation`).

    `paraphrases` say the same in other words, `negated` says the opposite: both are written by hand, for probes.
    """

    id: str
    proposition: str
    direction: Direction = "escalate"
    rung: int | None = None
    parent: str | None = None
    paraphrases: tuple[str, ...] = ()
    negated: str | None = None


@dataclass(frozen=True, slots=True)
class Speaker:
    """Someone to whom the article attributes words, a position or a decision."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    side: str | None = None
    role: str | None = None
    kind: SpeakerKind = "person"
    main: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The name, then the aliases."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True)
class ReferenceSummary:
    """A summary written by hand."""

    annotator: str
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A public fact on which a documented article rests."""

    fact: str
    date: str
    checked: Literal["opened", "from_memory"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a text came from."""

    kind: SourceKind
    publisher: str | None = None
    date: dt.date | None = None
    url: str | None = None
    licence: str | None = None
    note: str | None = None
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Contrast:
    """A minimal edit of an article that changes the stances in `stances`; all others are those of the article's gold.

    `note` says what was edited; evidence offsets are into `text`, the whole edited text.
    """

    text: str
    stances: tuple[StanceLabel, ...]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """One text with everything that people said of it; `gold` is None where nobody labelled it.

    Where `complete` is False only some (speaker, target) pairs are labelled, and silence on the others means nothing.
    `canary` is a unique string that stands in the file and never in a text: a model that completes it was trained on the set.
    `added_speakers` and `silent_names` correct a speaker finder: whom it misses or names otherwise, and who speaks nowhere.
    """

    id: str
    title: str
    text: str
    event: str
    source: Source
    targets: tuple[Target, ...]
    speakers: tuple[Speaker, ...]
    language: str = "en"
    split: Split = "test"
    summaries: tuple[ReferenceSummary, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    gold: Annotation | None = None
    complete: bool = True
    contrast: Contrast | None = None
    canary: str | None = None
    added_speakers: tuple[Speaker, ...] = ()
    silent_names: tuple[str, ...] = ()

    @property
    def references(self) -> tuple[str, ...]:
        """The texts of the reference summaries that say something."""
        return tuple(r.text for r in self.summaries if r.text.strip())

    def speaker(self, speaker_id: str) -> Speaker:
        """The declared speaker; KeyError otherwise."""
        return _by_id(self.speakers, speaker_id)

    def target(self, target_id: str) -> Target:
        """The declared target; KeyError otherwise."""
        return _by_id(self.targets, target_id)

    def pairs(self) -> Iterator[tuple[Speaker, Target]]:
        """Every declared pair that is scored: vague speakers are not, nor, where gold is incomplete, pairs without it."""
        labelled = self.gold_stances() if self.gold and not self.complete else None
        for speaker in self.speakers:
            if speaker.kind != "vague":
                for target in self.targets:
                    if labelled is None or (speaker.id, target.id) in labelled:
                        yield speaker, target

    def gold_stances(self) -> Mapping[tuple[str, str], StanceLabel]:
        """Gold by (speaker id, target id); empty without gold."""
        return {(s.speaker, s.target): s for s in self.gold.stances} if self.gold else {}


_Named = TypeVar("_Named", Speaker, Target, Article)


def _by_id(things: Sequence[_Named], wanted: str) -> _Named:
    return {thing.id: thing for thing in things}[wanted]


@dataclass(frozen=True, slots=True)
class Dataset(Tabular):
    """Labelled articles under one name and version; `fingerprint` is the hash of their canonical content.

    `dataset[0]` and `dataset["cuba-1962-excomm"]` are articles; as a table it has a row a (speaker, target) pair. Of a folder
    of texts `left_out` names files that could not be read, with the reason, and `notes` say what was guessed of the others.
    """

    name: str
    version: str
    articles: tuple[Article, ...]
    fingerprint: str
    language: str = "en"
    licence: str | None = None
    description: str = ""
    annotators: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.articles)

    def __iter__(self) -> Iterator[Article]:
        return iter(self.articles)

    def __getitem__(self, key: int | str) -> Article:
        return self.article(key) if isinstance(key, str) else self.articles[key]

    def __repr__(self) -> str:
        return f"<dataset {self.name} {self.version}: {len(self)} articles, {len(self.table_rows())} pairs>"

    def table_rows(self) -> list[dict[str, Any]]:
        """A row a scored pair: its article, speaker and target, gold stance (None where there is none) and evidence."""
        rows = []
        for a in self.articles:
            for (s, t), label in ((pair, a.gold_stances().get((pair[0].id, pair[1].id))) for pair in a.pairs()):
                row = {"article": a.id, "split": a.split, "event": a.event, "speaker": s.name, "target": t.proposition}
                evidence = " … ".join(e.text for e in label.evidence) if label else None
                rows.append({**row, "stance": label and str(label.stance), "evidence": evidence})
        return rows

    def article(self, article_id: str) -> Article:
        """The article with that id; KeyError otherwise."""
        return _by_id(self.articles, article_id)


@dataclass(frozen=True, slots=True)
class Item:
    """One question to a system: summarise `article`, or tell `speaker`'s stance on `target` from it.

    A judge of stance reads `summary` instead of the article; one that compares a summary with its article or references
    reads both.
    """

    article: Article  # text, title, language, source, speakers, targets; labels too, which a system leaves alone
    speaker: Speaker | None = None  # whose stance is asked (`names` are name and aliases); None where nobody's is
    target: Target | None = None  # the proposition that the stance is about; None where there is none
    summary: str | None = None  # what a judge is asked about; a stance classifier never gets it

    @property
    def id(self) -> str:
        """`article`, or `article/speaker/target`."""
        if self.speaker is None or self.target is None:
            return self.article.id
        return f"{self.article.id}/{self.speaker.id}/{self.target.id}"

    def as_article(self) -> Item:
        """The same question to a stance classifier, which knows articles alone: the summary is the article's text, and no
        title stands above it. Without a summary the item itself.
        """
        if self.summary is None:
            return self
        return replace(self, article=replace(self.article, title="", text=self.summary), summary=None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system says of one item, before it is stored."""

    output: str = ""  # the answer as text: the summary, the stance's word, a finder's JSON list of speakers
    label: Stance | None = None  # None for text answers and for a reply that could not be read as a stance
    scores: Mapping[str, float] = field(default_factory=dict)  # probabilities or their logarithms, by stance
    raw: str | None = None  # the model's words as they came, from which `output` and `label` were read
    prompt: str | None = None  # what the model was shown
    tokens_in: int | None = 0  # tokens read; None where a server counts none
    tokens_out: int | None = 0  # tokens written; None where a server counts none
    tokens_cut: int = 0  # tokens of the article that the model did not see
    seconds: float = 0.0  # time of this answer; 0 everywhere in a unit: the unit's time is shared out among its answers
    path: str = ""  # the way it was computed, for the record to count, such as `vader`
    error: str | None = None  # why there is no answer: then nothing else counts, and the next run asks again
    finish: str | None = None  # why the model ended (`stop`, `length`; one a window, with commas); None: unknown
    reading: int = 0  # version by which output, label and error were read from `raw`; 0: read by none


@dataclass(frozen=True, slots=True)
class Prediction:
    """A stored answer; `key` is a hash of the system's fingerprint and exactly what it read."""

    key: str
    system: str
    kind: str
    article_id: str
    speaker_id: str | None
    target_id: str | None
    answer: Answer
    created_at: str


@dataclass
class Answered:
    """A system's predictions by item, in the order asked, and what was computed for them just now.

    `unfitted` says why a system that learns from gold could not be asked at all; then there are no predictions.
    """

    predictions: list[Prediction]
    n_computed: int = 0
    unfitted: str | None = None
    peak_memory_bytes: int | None = None
    load_seconds: float | None = None
    wall_seconds: float | None = None

    @property
    def paths(self) -> dict[str, int]:
        """How many answers came about in which way."""
        return dict(sorted(Counter(p.answer.path for p in self.predictions if p.answer.path).items()))

    def texts(self) -> dict[str, str]:
        """The texts that were written, by article; articles whose answer failed are left out."""
        return {p.article_id: p.answer.output for p in self.predictions if p.answer.error is None}


@dataclass(frozen=True, slots=True)
class ItemScore:
    """What one metric says of one item; `value` None means unscored and `reason` says why."""

    item: str
    article_id: str
    metric: str
    value: float | None
    speaker_id: str | None = None
    target_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class MetricValue:
    """An aggregate with its 95 % interval; None where it is undefined, and `reason` says why."""

    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None
    n_scored: int = 0
    n_unscored: int = 0
    reason: str | None = None
