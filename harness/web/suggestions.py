"""The stored stances of one system, as proposals that a person confirms."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, nearest_hint
from harness.results.store import PredictionStore
from harness.types import Prediction


class Suggestions:
    """The latest stored stance of one system by article, speaker and target; nothing of it is ever saved by itself."""

    def __init__(self, results: Path, system: str) -> None:
        self.system = system
        root = results / "predictions"
        folders = {p: p.name.rpartition("-") for p in sorted(root.glob("*-*")) if p.is_dir()}
        chosen = [parts[2] for parts in folders.values() if parts[0] == system and re.fullmatch(r"\w{8}", parts[2])]
        if not chosen:
            names = sorted({parts[0] for parts in folders.values()})
            raise HarnessError(
                f"no stored predictions of {system!r} in {root}",
                hint=nearest_hint(system, names) + f"stored: {', '.join(names) or 'none'}; harness run stance={system}",
            )
        store = PredictionStore(root)
        self._latest: dict[tuple[str, str, str], Prediction] = {}
        for fingerprint in chosen:
            for prediction in store.read(system, fingerprint).values():
                if (
                    prediction.kind == "stance"
                    and prediction.answer.label
                    and prediction.speaker_id
                    and prediction.target_id
                ):
                    key = (prediction.article_id, prediction.speaker_id, prediction.target_id)
                    if key not in self._latest or prediction.created_at > self._latest[key].created_at:
                        self._latest[key] = prediction
        if not self._latest:
            raise HarnessError(f"{system!r} has stored no stances", hint="choose a stance classifier")

    def of(self, article_id: str) -> list[dict[str, Any]]:
        """Proposals for one article."""
        return [
            {"speaker": speaker, "target": target, "stance": str(prediction.answer.label), "system": self.system}
            for (article, speaker, target), prediction in self._latest.items()
            if article == article_id
        ]
