"""SEESAW (Zhang et al., EMNLP 2022): a folder of news stories with stances between entities, sentence by sentence; import only.

Mapping: an article of `articles/` → article, its sentences parted by a line end; `subject` → speaker, `object` → target
(the proposition is the entity's name), POS → `support`, NEG → `oppose`, the sentence → evidence. As the data's authors
have it, the subject `None` is the article's author and `Not in the list` somebody whom the list lacks: both are speakers
of kind `vague`, whom no system is asked about; an object that is one of them is a target `author` or `someone`.
Several statements of one subject on one object are one stance with all sentences as evidence; where they conflict, `neutral`
with basis `both_sides` and a note with the sign of each sentence. Gold is all statements of the article together, as the
authors use them; each annotator's own are annotations too where there are several. `meta/`: source, url and date →
source; the story (three articles of one event) → event; `Split` train and valid → dev, test → test; topic, AllSides' bias label
and the annotators' view of the paper's ideology → the source's note. An entity's types and `Main` → kind and `main`.
The set is incomplete: no statement says nothing. Not carried: entities that no statement is about, the article-level
sentiments and ideologies of entities, and by whom an entity was listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data.formats.base import Ids, article_from, metadata_or_new, parse_json, read_guarded, unique
from harness.data.formats.ledger import Imported, Ledger, Record
from harness.data.formats.spans import AGREEMENTS, Span, stances_from
from harness.data.load import MAX_BYTES
from harness.data.plain_texts import slug
from harness.errors import DataError, Place
from harness.types import Article, Stance

FOLDERS = ("annotations", "articles", "meta")
SIGNS = {"POS": Stance.SUPPORT, "NEG": Stance.OPPOSE}
NOBODY = {"None": "author", "Not in the list": "someone"}
"""What stands where an entity of the list would, and its id with us."""

_KINDS = {"People": "person", "Organization": "institution", "GPE": "institution", "Religion": "group"}
_BOOKKEEPING = {"title"}
"""The title is that of `meta/`."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One row of `sentence-level stances`; `sentence` counts from 0."""

    sentence: int
    subject: str
    object: str
    stance: Stance
    annotators: tuple[str, ...]


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Every article an article; DataError where a folder, a file or a sentence is not there."""
    for folder in FOLDERS:
        if not (path / folder).is_dir():
            raise DataError(
                Place(str(path / folder)), "no such folder", hint="give the folder SEESAW/ of the data's repository"
            )
    ledger = Ledger(bookkeeping=_BOOKKEEPING)
    stories: dict[str, Record] = {}
    articles = []
    files = sorted((path / "annotations").glob("*.json"))
    for file in files:
        story, _, number = file.stem.partition("_DOCUMENT_")
        if story not in stories:
            stories[story] = _record(path / "meta" / f"{story}.json", ledger)
        annotated = _record(file, ledger)
        printed = _record(path / "articles" / file.name, ledger)
        articles.append(_article(file.stem, annotated, printed, stories[story], number, ledger))
    used = {*files, *(path / "articles" / f.name for f in files), *(path / "meta" / f"{s}.json" for s in stories)}
    for other in sorted(p for folder in FOLDERS for p in (path / folder).rglob("*")):
        if other.is_file() and other not in used:
            ledger.lose(str(other), "a file that belongs to no annotated article is not read")
    return ledger.imported(unique(articles, path), {"complete": False})


class _Cast:
    """The speakers and targets of one article, declared as they are met, under ids made of their names."""

    def __init__(self) -> None:
        self.speakers: list[dict[str, Any]] = []
        self.targets: list[dict[str, Any]] = []
        self._speaker, self._target = Ids("speaker"), Ids("target")
        self._speaker_ids: dict[str, str] = {}
        self._target_ids: dict[str, str] = {}

    def speaker(self, name: str, **fields: Any) -> str:
        """The id of a speaker; `fields` (id, kind, side, main ...) count the first time."""
        if name not in self._speaker_ids:
            row = {"id": self._speaker(name), "name": name, **fields}
            self.speakers.append(row)
            self._speaker_ids[name] = row["id"]
        return str(self._speaker_ids[name])

    def target(self, proposition: str, **fields: Any) -> str:
        """The id of a target; `fields` (id, direction, rung) count the first time."""
        if proposition not in self._target_ids:
            row = {"id": self._target(proposition), "proposition": proposition, **fields}
            self.targets.append(row)
            self._target_ids[proposition] = row["id"]
        return str(self._target_ids[proposition])

    def declare(self, row: dict[str, Any]) -> None:
        """Puts them into the row of an article; without targets the row keeps the one that it has."""
        row["speakers"] = self.speakers
        row["targets"] = self.targets or row["targets"]


def _record(file: Path, ledger: Ledger) -> Record:
    place = Place(str(file))
    if not file.is_file():
        raise DataError(place, "no such file", hint="the folders articles, annotations and meta belong together")
    raw = parse_json(read_guarded(file, MAX_BYTES), place)
    if not isinstance(raw, dict):
        raise DataError(place, f"a {type(raw).__name__}; an object is wanted")
    return ledger.record(raw, place)


def _article(name: str, annotated: Record, printed: Record, story: Record, number: str, ledger: Ledger) -> Article:
    place = printed.place
    spans_by_sentence, text = _sentences(printed)
    row = metadata_or_new(None, text, name, place)
    about = story.get(f"Meta info for article {number}")
    if not isinstance(about, Record):
        raise DataError(Place(story.place.file, field=f"Meta info for article {number}"), "is not there")
    row.update(
        id=slug(name),
        title=str(about.get("title") or printed.get("title") or row["title"]).strip(),
        event=f"story-{slug(str(story.get('triplet_id') or name))}",
        split="test" if story.get("Split") == "test" else "dev",
        complete=False,
        source=_source(about, story, annotated),
    )
    statements = list(_statements(annotated, len(spans_by_sentence)))
    people = _entities(annotated)
    cast = _Cast()
    named = {x for s in statements for x in (s.subject, s.object)}
    if others := len(set(people) - named):
        ledger.lose(annotated.place, "entities that no statement is about are not carried", others)
    everyone: list[Span] = []
    by_annotator: dict[str, list[Span]] = {who: [] for who in _annotators(annotated)}
    for s in statements:
        start, end = spans_by_sentence[s.sentence]
        if start == end:
            raise DataError(Place(annotated.place.file, field=f"sentence-level stances.{s.sentence}"), "is empty")
        speaker = _speaker(s.subject, people, cast)
        target = cast.target(s.object, **({"id": NOBODY[s.object]} if s.object in NOBODY else {}))
        span = Span(start, end, speaker, target, s.stance)
        everyone.append(span)
        for who in s.annotators:
            by_annotator.setdefault(who, []).append(span)
    cast.declare(row)
    row["gold"] = {"adjudicator": "seesaw", "stances": _stances(row, everyone, "seesaw", ledger)}
    if len(by_annotator) > 1:
        for who, spans in by_annotator.items():
            row["annotations"].append({"annotator": who, "stances": _stances(row, spans, who, ledger)})
    return article_from(row, place)


def _sentences(printed: Record) -> tuple[list[tuple[int, int]], str]:
    """Of each sentence its span, and the text that they make, a line each."""
    spans, lines, at = [], [], 0
    for n, sentence in enumerate(printed.get("text") or []):
        place = Place(printed.place.file, field=f"text.{n}")
        words = sentence.get("text") if isinstance(sentence, Record) else None
        if not isinstance(words, str):
            raise DataError(place, "has no text")
        if sentence.get("id", n) != n:
            raise DataError(place, f"has the id {sentence['id']!r}", hint="ids count the sentences from 0")
        spans.append((at, at + len(words)))
        lines.append(words)
        at += len(words) + 1
    return spans, "\n".join(lines)


def _source(about: Record, story: Record, annotated: Record) -> dict[str, Any]:
    notes = {
        "AllSides story": story.get("story_title"),
        "address of the story": story.get("story_url"),
        "topic": story.get("story_topic"),
        "AllSides bias label (0 left to 4 right)": about.get("bias_label"),
        "the paper to its annotators": "; ".join(
            f"{x.get('annotator')} {x.get('ideology')}" for x in annotated.get("article ideology") or []
        ),
    }
    return {
        "kind": "news",
        "publisher": about.get("source"),
        "url": about.get("url"),
        "date": story.get("story_time"),
        "note": "; ".join(f"{k}: {v}" for k, v in notes.items() if v not in (None, "")),
    }


def _annotators(annotated: Record) -> list[str]:
    """Who annotated the article: also somebody who saw no stance in it."""
    return sorted({str(x.get("annotator")) for x in annotated.get("article ideology") or []})


def _statements(annotated: Record, n_sentences: int) -> Iterator[Statement]:
    by_sentence = annotated.get("sentence-level stances") or {}
    for key in by_sentence:
        place = Place(annotated.place.file, field=f"sentence-level stances.{key}")
        if not key.isdigit() or int(key) >= n_sentences:
            raise DataError(place, f"the article has {n_sentences} sentences, counted from 0")
        for row in by_sentence[key]:
            sign = row.get("sentiment")
            if sign not in SIGNS:
                raise DataError(place, f"sentiment {sign!r} is neither NEG nor POS")
            subject, target = row.get("subject"), row.get("object")
            if not isinstance(subject, str) or not isinstance(target, str):
                raise DataError(place, "needs a subject and an object")
            row.get("id")
            annotators = tuple(str(who) for who in row.get("annotators") or [])
            yield Statement(int(key), subject.strip(), target.strip(), SIGNS[sign], annotators)


def _entities(annotated: Record) -> dict[str, dict[str, Any]]:
    """Kind and `main` of each entity of the list: what most annotators said, the first one where they tie."""
    annotated.lose("entity sentiments", "an entity's sentiment in the whole article is not carried")
    annotated.lose("entity ideologies", "an entity's ideology is not carried")
    entities: dict[str, dict[str, Any]] = {}
    for n, entry in enumerate(annotated.carry("entity lists") or []):
        try:
            name, types, roles, _ = entry
            kind, role = (Counter(map(str, x)).most_common(1)[0][0] for x in (types, roles))
        except (ValueError, TypeError, IndexError):
            place = Place(annotated.place.file, field=f"entity lists.{n}")
            raise DataError(place, f"{entry!r} is not [name, types, roles, annotators]") from None
        entities[str(name).strip()] = {"kind": _KINDS.get(kind, "group"), "main": role == "Main"}
    return entities


def _speaker(subject: str, entities: Mapping[str, Mapping[str, Any]], cast: _Cast) -> str:
    if subject in NOBODY:
        return cast.speaker(NOBODY[subject], id=NOBODY[subject], kind="vague")
    return cast.speaker(subject, **entities.get(subject, {}))


def _stances(row: Mapping[str, Any], spans: list[Span], who: str, ledger: Ledger) -> list[dict[str, Any]]:
    # one sentence that several people read alike is one passage
    distinct = list(dict.fromkeys((s.start, s.end, s.speaker, s.target, s.stance) for s in spans))
    stances = stances_from(row, [Span(*x) for x in distinct], f"{row['id']}: {who}", ledger.lose)
    for stance in stances:
        if stance["stance"] == Stance.NEUTRAL:
            signs = [x[4] for x in distinct if (x[2], x[3]) == (stance["speaker"], stance["target"])]
            stance["note"] = AGREEMENTS + ", ".join("1" if sign is Stance.SUPPORT else "0" for sign in signs)
    return stances
