"""What stance classifiers answered to changed articles, beside what they answered to the same pairs unchanged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.data.probes.suite import PROBES
from harness.errors import StoreError
from harness.report.collect import Row, Runs, canonical
from harness.report.columns import UNPARSED, codes
from harness.results.records import RunRecord, answers_path, read_answers
from harness.results.states import checked_state, snapshot_path
from harness.results.store import PredictionStore
from harness.types import STANCES, Stance

if TYPE_CHECKING:
    from harness.types import Prediction

Codes = NDArray[np.int8]
_CODES = {str(stance): i for i, stance in enumerate(STANCES)}


class Variant(NamedTuple):
    """A probe and one of its variants, empty where it has but one."""

    probe: str
    variant: str


@dataclass(frozen=True)
class Pairs:
    """The pairs that a system answered both ways, as parallel arrays (n,).

    `item` indexes the report's items; `before` and `after` are its answers to the unchanged and the changed article, `gold` and
    `changed_gold` the right ones: codes 0..5 in the order of the labels, 6 for an answer that could not be parsed.
    """

    item: NDArray[np.intp]
    gold: Codes
    changed_gold: Codes
    before: Codes
    after: Codes

    def __len__(self) -> int:
        return len(self.item)

    def where(self, chosen: NDArray[np.bool_]) -> Pairs:
        """The pairs of a mask (n,) alone."""
        return Pairs(
            self.item[chosen], self.gold[chosen], self.changed_gold[chosen], self.before[chosen], self.after[chosen]
        )


def joined(parts: list[Pairs]) -> Pairs:
    """All pairs of several variants; one that several variants changed counts once for each."""
    return Pairs(
        np.concatenate([p.item for p in parts]),
        np.concatenate([p.gold for p in parts]),
        np.concatenate([p.changed_gold for p in parts]),
        np.concatenate([p.before for p in parts]),
        np.concatenate([p.after for p in parts]),
    )


@dataclass(frozen=True)
class Probed:
    """One system under every probe that was run of it, and who is called by which name where names change."""

    row: Row
    pairs: Mapping[Variant, Pairs]


def probed_systems(runs: Runs) -> list[Probed]:
    """The report's stance classifiers that were probed, in its order; what cannot be read is noted."""
    systems = []
    for row in runs.rows("stance"):
        section = canonical(row.run.config.get("stance"))
        records = [r for r in runs.probes if canonical(r.config.get("stance")) == section]
        pairs: dict[Variant, Pairs] = {}
        for record in sorted(records, key=lambda r: (r.started_at, r.run_id)):
            place = variant_of(record)
            answered = _pairs(runs, row, record, place) if place.probe in PROBES else None
            # of two runs of a variant the one over more articles stands, then the newer one
            if answered is not None and len(answered) >= max(1, len(pairs.get(place, ()))):
                pairs[place] = answered
        if pairs:
            order = {name: n for n, name in enumerate(PROBES)}
            systems.append(Probed(row, dict(sorted(pairs.items(), key=lambda kv: order[kv[0].probe]))))
    return systems


def variant_of(record: RunRecord) -> Variant:
    """The probe of a run and its variant."""
    probe = record.config.get("probe") or {}
    return Variant(str(probe.get("name")), str(probe.get("variant") or ""))


def _pairs(runs: Runs, row: Row, record: RunRecord, place: Variant) -> Pairs | None:
    use = record.system("stance")
    if use is None or use.status != "ok" or record.dataset is None:
        return None
    if use.fingerprint != row.fingerprint and place.variant not in PROBES[place.probe].of_prompt:
        runs.note(f"{record.run_id}: another state of {use.name} than that of the unchanged articles")
        return None
    labels = snapshot_labels(runs, record.dataset.fingerprint)
    try:
        refs = read_answers(answers_path(runs.results, record.run_id))
    except StoreError as error:
        runs.note_unreadable(error)
        return None
    store = PredictionStore(runs.results / "predictions")
    stored: dict[str, Prediction] = runs.cache.once(
        "probed predictions", lambda: store.read(use.name, use.fingerprint), key=use.fingerprint, keep=2
    )
    unchanged = codes(runs, row)
    rows: list[tuple[int, int, int, int, int]] = []
    for ref in refs:
        item = (ref.article_id, ref.speaker_id or "", ref.target_id or "")
        number, prediction, gold = runs.items.index.get(item), stored.get(ref.key), labels.get(item)
        if number is None or prediction is None or gold is None or prediction.answer.error is not None:
            continue
        if runs.items.gold[number] < 0 or unchanged[number] > UNPARSED:
            continue
        label = prediction.answer.label
        after = UNPARSED if label is None else _CODES[str(label)]
        rows.append((number, int(runs.items.gold[number]), _CODES[gold], int(unchanged[number]), after))
    table = np.array(rows, dtype=np.int64).reshape(-1, 5)
    return Pairs(table[:, 0].astype(np.intp), *(table[:, k].astype(np.int8) for k in range(1, 5)))


def snapshot_labels(runs: Runs, fingerprint: str) -> dict[tuple[str, str, str], str]:
    """The right labels of a probe's articles as they were scored; empty, and a problem noted, where their snapshot is gone."""
    return {
        (a["id"], s["speaker"], s["target"]): str(s["stance"])
        for a in snapshot_rows(runs, fingerprint)
        for s in (a.get("gold") or {}).get("stances", ())
    }


def snapshot_rows(runs: Runs, fingerprint: str) -> list[dict[str, Any]]:
    """The changed articles as data: their labels may lack evidence, which an article file may not."""

    def read() -> list[dict[str, Any]]:
        try:
            state = checked_state(snapshot_path(runs.results, fingerprint))
        except StoreError as error:
            runs.note(error.message)
            return []
        return [json.loads(line) for line in state.articles.values()]

    return runs.cache.once("probe snapshots", read, key=fingerprint)


THREE = np.array([{-1: 0, 0: 1, 1: 2}[int(np.sign(s.degree or 0))] for s in STANCES] + [3], dtype=np.int8)
"""Three-way code (against, none, favor, unparsed) of each code."""
NONE = 1
MIRROR = np.array([2, 1, 0, 3], dtype=np.int8)
"""The three-way code on the opposite proposition."""
DEGREE = np.array([s.degree or 0 for s in STANCES] + [0], dtype=np.int8)
"""Place on the scale, from -2 to 2, of each code; 0 off the scale."""
assert STANCES[-1] is Stance.NO_STANCE
