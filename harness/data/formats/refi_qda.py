"""REFI-QDA projects (`.qdpx`) of ATLAS.ti, NVivo, MAXQDA, QualCoder and others: texts with coded passages; import only.

Mapping: a text source (also a PDF's text) → article; a user → annotator; the passages that a user codes with a stance, a
speaker and a target, in one selection or in several of the same place, → a stance with that passage as evidence. What a
code means is said by `stances`, `speakers`, `targets` (`formats.labels`), by the code above it (`parents: {stance: Stances,
speaker: Speakers, target: Targets}`, these without a mapping), or by a code `support|brandt|gates`. A text that one user
coded has gold, one of several has annotations. The set is incomplete: a passage without codes says nothing.
Positions count code points; programs differ, so where selections are named by their words these decide between code
points and UTF-16 (`offsets` in the mapping otherwise), and whether a line end of Windows counts as one character, as it
does for ATLAS.ti. Names of members are compared without case: `Sources/` and `sources/` are one.
Not carried: codes that say none of the three, cases, variables, notes, memos, links, sets, graphs, pictures, sound, film,
rich text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from harness.data.formats.archive import Archive, members
from harness.data.formats.base import Ids, metadata_or_new, unique
from harness.data.formats.labels import Labels, names_of
from harness.data.formats.layers import Layers
from harness.data.formats.ledger import Imported, Ledger
from harness.data.formats.offsets import Offsets
from harness.data.formats.spans import Span
from harness.data.formats.xml_tree import Vocabulary, local_name, tree_of
from harness.errors import DataError, Place
from harness.types import Article, Stance

PARENTS = {"stance": "Stances", "speaker": "Speakers", "target": "Targets"}
UNITS = ("code_points", "utf16")
_KNOWN = Vocabulary(
    read=frozenset(
        {"Project", "Users", "User", "CodeBook", "Codes", "Code", "Sources", "TextSource", "PDFSource", "Representation"}
        | {"PlainTextContent", "PlainTextSelection", "Coding", "CodeRef"}
    ),
    attributes=frozenset(
        {"guid", "name", "id", "plainTextPath", "richTextPath", "path", "currentPath", "creatingUser", "creationDateTime"}
        | {"modifyingUser", "modifiedDateTime", "startPosition", "endPosition", "targetGUID", "color", "isCodable", "origin"}
        | {"basePath", "creatingUserGUID", "modifyingUserGUID", "schemaLocation"}
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Code:
    """A code with the names of those above it, from the top."""

    name: str
    above: tuple[str, ...]


@dataclass(frozen=True)
class Selection:
    """A passage with who coded it how; positions as stored."""

    start: int
    end: int
    name: str
    codings: tuple[tuple[str, str], ...]
    line: int


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Every text source an article."""
    ledger = Ledger()
    with members(path) as archive:
        by_name = {n.casefold(): n for n in archive.names()}
        project = by_name.get("project.qde") or next(
            (n for n in archive.names() if n.casefold().endswith(".qde")), None
        )
        if project is None:
            raise DataError(Place(str(path)), "holds no project.qde", hint="export the project as REFI-QDA (.qdpx)")
        place = Place(f"{path}: {project}")
        root = tree_of(archive.read(project), place)
        _account(root, archive, project, place, ledger)
        reader = _Reader(root, mapping, place, ledger)
        articles = []
        for source in root.iter():
            if local_name(source) in ("TextSource", "Representation"):
                article = reader.article(source, archive, by_name)
                if article is not None:
                    articles.append(article)
    if not articles:
        raise DataError(
            Place(str(path)), "holds no text source with words in it", hint="export the project with its documents"
        )
    return ledger.imported(unique(articles, path), {"complete": False})


def _account(root: Any, archive: Archive, project: str, place: Place, ledger: Ledger) -> None:
    """Lists elements, attributes and members of the archive that nothing here reads, each kind once with its number."""
    _KNOWN.account(root, place, ledger)
    named: set[str] = set()
    rich = 0
    for element in root.iter():
        rich += element.get("richTextPath") is not None
        for attribute in ("plainTextPath", "richTextPath", "path", "currentPath"):
            named.add((element.get(attribute) or "").rpartition("://")[2].lstrip("/").casefold())
    if rich:
        ledger.lose(place, "rich text is not carried", rich)
    for name in archive.names():
        if name != project and not {name.casefold(), name.casefold().removeprefix("sources/")} & named:
            ledger.lose(Place(place.file, field=name), "a member that the project does not name is not read")


class _Reader:
    """Makes articles of the sources of one project."""

    def __init__(self, root: Any, mapping: Mapping[str, Any], place: Place, ledger: Ledger) -> None:
        self._place, self._ledger = place, ledger
        self._labels = Labels(mapping, ledger)
        self._named = {
            role: {str(name).casefold().strip() for name in mapping.get(f"{role}s") or {}}
            for role in ("speaker", "target")
        }
        self._default_speaker = "default_speaker" in mapping
        self._parents = {**PARENTS, **names_of(mapping, "parents", tuple(PARENTS))}
        self._unit = mapping.get("offsets")
        if self._unit not in (None, *UNITS):
            raise DataError(Place("mapping", field="offsets"), f"{self._unit!r}: one of {', '.join(UNITS)}")
        self._atlas = "atlas" in (root.get("origin") or "").casefold()
        self._users = {
            u.get("guid"): u.get("name") or u.get("id") or u.get("guid") for u in root.iter() if local_name(u) == "User"
        }
        self._codes: dict[str, Code] = {}
        for codes in (e for e in root.iter() if local_name(e) == "Codes"):
            self._collect(codes, ())
        self._annotator = str(mapping.get("annotator", "refi-qda"))
        self._ids = Ids("source")

    def _collect(self, parent: Any, above: tuple[str, ...]) -> None:
        for element in parent:
            if local_name(element) == "Code":
                name = element.get("name") or ""
                self._codes[element.get("guid")] = Code(name, above)
                self._collect(element, (*above, name))

    def article(self, source: Any, archive: Archive, by_name: Mapping[str, str]) -> Article | None:
        """The article of a text source; None, reported, for one without plain text."""
        name = source.get("name") or PurePosixPath(source.get("plainTextPath") or "source").stem
        place = Place(self._place.file, source.sourceline, name)
        text = self._text(source, archive, by_name, place)
        if text is None or not text.strip():
            self._ledger.lose(place, "a source without plain text is left out")
            return None
        selections = list(self._selections(source, place))
        text, unit = self._counted(text, selections, place)
        row = metadata_or_new(None, text, name, place)
        row["id"] = row["event"] = self._ids(PurePosixPath(name).stem)
        row["complete"] = False
        by_user = self._spans(text, unit, selections, place)
        self._labels.declare(row, [span for spans in by_user.values() for span in spans])
        layers = Layers(row, self._ledger, place)
        for user, spans in by_user.items():
            if spans:
                layers.add(user, spans, gold=len(by_user) == 1)
        return layers.article()

    def _text(self, source: Any, archive: Archive, by_name: Mapping[str, str], place: Place) -> str | None:
        inner = next((e.text or "" for e in source if local_name(e) == "PlainTextContent"), None)
        path = source.get("plainTextPath")
        if path is None:
            return inner
        scheme, _, rest = path.rpartition("://")
        if scheme not in ("", "internal"):
            self._ledger.lose(place, f"its text lies outside the project ({scheme}://): put it in when exporting")
            return None
        plain = rest.lstrip("/").casefold()
        member = by_name.get(plain) or by_name.get(f"sources/{plain}")
        if member is None:
            raise DataError(
                place, f"its text {path!r} is not in the archive", hint="export the project with its documents"
            )
        raw = archive.read(member)
        try:
            return raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(place, f"{member} is not UTF-8 at byte {error.start}", hint="export it again") from None

    def _selections(self, source: Any, place: Place) -> list[Selection]:
        selections = []
        for element in source:
            if local_name(element) != "PlainTextSelection":
                if local_name(element) == "Coding":
                    self._ledger.lose(place, "codes of a whole source are not carried")
                continue
            here = Place(place.file, element.sourceline, "PlainTextSelection")
            try:
                start, end = int(element.get("startPosition")), int(element.get("endPosition"))
            except (TypeError, ValueError):
                raise DataError(here, "needs a startPosition and an endPosition", hint="export it again") from None
            codings = []
            for coding in (c for c in element if local_name(c) == "Coding"):
                user = coding.get("creatingUser") or element.get("creatingUser") or element.get("modifyingUser") or ""
                for ref in (r for r in coding if local_name(r) == "CodeRef"):
                    if ref.get("targetGUID") not in self._codes:
                        raise DataError(here, f"its code {ref.get('targetGUID')!r} is not in the code book")
                    codings.append((str(self._users.get(user) or self._annotator), str(ref.get("targetGUID"))))
            name = " ".join((element.get("name") or "").split())
            selections.append(Selection(start, end, name, tuple(codings), element.sourceline or 0))
        return selections

    def _counted(self, text: str, selections: list[Selection], place: Place) -> tuple[str, Any]:
        """The text and the unit in which its positions make sense: by the names of selections, else by the standard."""
        joined = text.replace("\r\n", "\n")
        usual = (self._atlas, self._unit or "code_points")
        readings = [usual] if self._unit else [usual, *((j, u) for j in (False, True) for u in UNITS)]
        readings = [r for r in dict.fromkeys(readings) if joined != text or not r[0]] or [(False, usual[1])]
        named = [s for s in selections if len(s.name) > 2]

        def agreeing(reading: tuple[bool, str]) -> int:
            shown = joined if reading[0] else text
            offsets = Offsets(shown, reading[1])  # type: ignore[arg-type]
            places = ((offsets.back(s.start), offsets.back(s.end), s.name) for s in named)
            # programs cut long names, with or without dots
            return sum(
                a is not None and b is not None and " ".join(shown[a:b].split()).startswith(name.rstrip(".…"))
                for a, b, name in places
            )

        best = max(readings, key=agreeing)
        if best != readings[0]:
            how = "UTF-16 units" if best[1] == "utf16" else "code points"
            ends = ", a line end as one character" if best[0] else ""
            self._ledger.lose(place, f"its positions count {how}{ends}, as the names of its selections show")
        return (joined if best[0] else text), best[1]

    def _spans(self, text: str, unit: Any, selections: list[Selection], place: Place) -> dict[str, list[Span]]:
        offsets = Offsets(text, unit)
        passages: dict[tuple[str, int, int], list[Code]] = {}
        for s in selections:
            start, end = offsets.back(s.start), offsets.back(s.end)
            if start is None or end is None or start >= end:
                self._ledger.lose(
                    Place(place.file, s.line, place.field), "a selection that is not in the text is left out"
                )
                continue
            for user, guid in s.codings:
                passages.setdefault((user, start, end), []).append(self._codes[guid])
        silent: Counter[str] = Counter()
        by_user: dict[str, list[Span]] = {}
        for (user, start, end), codes in passages.items():
            spans = self._said(codes, start, end, silent, place)
            by_user.setdefault(user, []).extend(spans)
        for what, n in silent.items():
            self._ledger.lose(place, what, n)
        return by_user

    def _said(self, codes: list[Code], start: int, end: int, silent: Counter[str], place: Place) -> list[Span]:
        """The stances that the codes of one passage say together."""
        stances: list[Stance] = []
        speakers: list[str] = []
        targets: list[str] = []
        spans: list[Span] = []
        here = Place(place.file, place.line, f"{place.field}: {start}-{end}")
        is_label = False
        for code in dict.fromkeys(codes):
            if len(code.name.split("|")) == 3:
                is_label = True
                triple = self._labels.triple(code.name, here)
                spans += [Span(start, end, triple[1], triple[2], triple[0])] if triple else []
            elif code.name.casefold() in self._named["speaker"] or self._below(code, "speaker"):
                speakers.append(self._labels.speaker(code.name))
            elif code.name.casefold() in self._named["target"] or self._below(code, "target"):
                targets.append(self._labels.target(code.name, here))
            elif self._labels.knows(code.name):
                is_label = True
                stance = self._labels.stance(code.name, here)
                stances += [stance] if stance is not None else []
            else:
                path = "/".join((*code.above, code.name))
                silent[f"code `{path}` is neither stance, speaker nor target: not carried"] += 1
        if stances and not speakers and self._default_speaker:
            speakers.append(self._labels.speaker(None))
        if stances and not targets and self._labels.default_target is not None:
            targets.append(self._labels.target(None, here))
        spans += [Span(start, end, s, x, stance) for stance in stances for s in speakers for x in targets]
        if not spans and (stances or speakers or targets):
            lacking = "speaker" if stances and not speakers else "target" if stances else "stance"
            if stances or not is_label:
                silent[f"passages without a code for the {lacking} say no stance"] += 1
        return spans

    def _below(self, code: Code, role: str) -> bool:
        return self._parents[role].casefold() in {name.casefold() for name in code.above}
