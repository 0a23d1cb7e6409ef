"""How many trie nodes the whole suite of probes computes, against the sum when each probe runs alone: counted, not timed.

    python -m bench.probe_trie [--articles 12]

What is asked comes from the gold dataset and configs/stance/smollm2.yaml, by the code of `harness run`; nothing is computed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import yaml

from bench.peers import Row
from harness.config import RunConfig, parse_run_config
from harness.models.causal import CausalModel
from harness.models.packed_trie import Ints, build_trie
from harness.results.store import PredictionStore
from harness.runs.predict import plan
from harness.runs.prepare import Job, prepare
from harness.runs.probes import suite
from harness.runs.questions import items_for
from harness.runs.together import units_of
from harness.systems.base import Context
from harness.systems.causal import CausalChoice
from harness.types import Item

ROOT = Path(__file__).parents[1]
ARTICLES = 12
"""Every eighth of the gold set by default, ten seconds an article: the whole set shares a little more, as a probe that borrows
another article's text shares its nodes only where both are run."""


class Counter:
    """Trie nodes of the questions of one unit, each tokenised once."""

    def __init__(self, model: CausalModel) -> None:
        self.model = model
        self._sequences: dict[tuple[str, str], list[tuple[Ints, int]]] = {}

    def sequences(self, system: CausalChoice, item: Item) -> list[tuple[Ints, int]]:
        """The token ids of an item's options, and where each is scored from."""
        options = system.choices(item, system.ask(self.model, item))
        key = (options[0].context, options[0].continuation)
        if key not in self._sequences:
            pairs = self.model.encode_pairs([(o.context, o.continuation) for o in options])
            self._sequences[key] = [(np.asarray(a + b, dtype=np.int64), len(a)) for a, b in pairs]
        return self._sequences[key]

    def nodes(self, questions: Iterable[tuple[CausalChoice, Item]]) -> int:
        """Nodes of one trie of all these questions."""
        requests = [r for system, item in questions for r in self.sequences(system, item)]
        return len(build_trie([ids for ids, _ in requests], [start for _, start in requests])) if requests else 0


def config_of(results: Path, articles: Sequence[str]) -> RunConfig:
    """`harness run probe=all stance=smollm2` over these articles."""
    section = yaml.safe_load((ROOT / "configs" / "stance" / "smollm2.yaml").read_text(encoding="utf-8"))
    return parse_run_config(
        {
            "dataset": {"path": str(ROOT / "datasets" / "escalation")},
            "stance": section,
            "probe": {"name": "all"},
            "split": "all",
            "articles": list(articles),
            "results": str(results),
            "executor": {"device": "cpu"},
        }
    )


def counts(articles: Sequence[str]) -> tuple[int, int, int, int]:
    """Nodes of (the suite, all probes alone each with the unchanged articles, all probes alone, the unchanged articles)."""
    with tempfile.TemporaryDirectory() as folder:
        jobs = [prepare(config) for config in suite(config_of(Path(folder), articles))]
        store = PredictionStore(Path(folder) / "predictions")
        work = [
            (job, plan(job.systems["stance"], list(items_for("stance", job.articles)), job.learned_from, store))
            for job in jobs
        ]
    # a probe alone has a trie an article; by the article whose text it is, so that all about one text is tokenised at once
    home = {a.text: a.id for a in jobs[0].learned_from}
    alone: dict[str, list[tuple[str | None, CausalChoice, list[Item]]]] = defaultdict(list)
    for job, planned in work:
        system = cast(CausalChoice, job.systems["stance"])
        for unit in planned.units:
            by_text: dict[str, list[Item]] = defaultdict(list)
            for _, item in unit:
                by_text[_home(home, item)].append(item)
            for place, items in by_text.items():
                alone[place].append((_name(job), system, items))
    model = cast(CausalChoice, jobs[0].systems["stance"]).load_model(Context(jobs[0].dataset, device="cpu"))
    together = 0
    by_probe: dict[str | None, int] = defaultdict(int)
    for unit in units_of(work):
        counter = Counter(model)
        together += counter.nodes((q.system, q.item) for q in unit)
        for name, system, items in alone.pop(_home(home, unit[0].item)):
            by_probe[name] += counter.nodes((system, item) for item in items)
    assert not alone, "every question is in one unit"
    unchanged = by_probe.pop(None)
    total = sum(by_probe.values())
    return together, total + unchanged * len(by_probe), total, unchanged


def _home(home: Mapping[str, str], item: Item) -> str:
    """The article whose text a question is about, or whose changed text it is."""
    return home.get(item.article.text, item.article.id)


def _name(job: Job) -> str | None:
    return job.config.probe.name if job.config.probe else None


def main(n_articles: int = ARTICLES) -> list[Row]:
    """One row: nodes of the suite and of each probe alone."""
    from harness import load_dataset

    ids = [a.id for a in load_dataset(ROOT / "datasets" / "escalation")]
    chosen = ids[:: max(1, len(ids) // n_articles)]
    together, with_unchanged, alone, unchanged = counts(chosen)
    note = (
        f"counted on {len(chosen)} articles, every {max(1, len(ids) // n_articles)}th: {together:,} nodes against "
        f"{with_unchanged:,}, each probe with the unchanged articles that it is compared to: {together / with_unchanged:.2f}; "
        f"with these ({unchanged:,}) once for all probes, {alone + unchanged:,}: {together / (alone + unchanged):.2f}"
    )
    return [
        {
            "name": "all probes of smollm2 over one trie an article / each probe alone, in trie nodes",
            "ours_s": None,
            "peer_s": None,
            "ratio": round(with_unchanged / together, 2),
            "target": "ours <= 0.45 x the sum, so ratio >= 2.22",
            "note": note,
        }
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=ARTICLES)
    for line in main(parser.parse_args().articles):
        print(line["name"], line["ratio"], line["target"], line["note"], sep="\n")
