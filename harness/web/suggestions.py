"""What a chosen system answered before, read from stored predictions: proposals for a person to confirm."""

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
            known = sorted({parts[0] for parts in folders.values()})
            raise HarnessError(
                f"no stored predictions of {system!r} in {root}",
                hint=nearest_hint(system, known) + f"stored: {', '.join(known) or 'none'}; harness run stance={system}",
            )
        store = PredictionStore(root)
        self._latest: dict[tuple[str, str, str], Prediction] = {}
        for fingerprint in chosen:
            for found in store.read(system, fingerprint).values():
                if found.kind == "stance" and found.answer.label and found.speaker_id and found.target_id:
                    key = (found.article_id, found.speaker_id, found.target_id)
                    if key not in self._latest or found.created_at > self._latest[key].created_at:
                        self._latest[key] = found
        if not self._latest:
            raise HarnessError(f"{system!r} has stored no stances", hint="choose a stance classifier")

    def of(self, article_id: str) -> list[dict[str, Any]]:
        """Proposals for one article."""
        return [
            {"speaker": speaker, "target": target, "stance": str(found.answer.label), "system": self.system}
            for (article, speaker, target), found in self._latest.items()
            if article == article_id
        ]
