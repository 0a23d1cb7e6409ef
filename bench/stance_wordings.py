"""Wordings of smollm2's question on the dev split: trie nodes a pair, macro-F1 and processor time, all asked of one loaded model.

    python -m bench.stance_wordings [--articles 31] [--answers FILE]

The first wording is that of configs/stance/smollm2.yaml, which repeats the list of labels for each pair; in the others it stands
before what differs, so that all pairs of an article share it. FILE keeps the answers; a second call goes on from it.
The table is in docs/systems.md.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import yaml

from harness import load_dataset
from harness.config import SystemConfig
from harness.metrics.stance import aggregate
from harness.metrics.stance_pair import StancePair
from harness.models.causal import CausalModel
from harness.models.prefix_trie import score, trie_size
from harness.runs.questions import items_for
from harness.systems.base import Context
from harness.systems.causal import CausalChoice
from harness.systems.registry import build
from harness.types import STANCES, Article, Stance

ROOT = Path(__file__).parents[1]
LABELS = "oppose, lean oppose, neutral, lean support, support, or no stance"
WORDINGS: Mapping[str, Mapping[str, str]] = {
    "as it is": {},
    "stances are, statement, what is the stance of": {
        "prompt": f"{{article}}\n\nStances: {LABELS}.\nStatement: {{target}}\nWhat is the stance of {{speaker}}?"
    },
    "what is the stance on a statement, statement, speaker": {
        "prompt": f"{{article}}\n\nWhat is the stance of the speaker on the statement: {LABELS}?\n"
        "Statement: {target}\nSpeaker: {speaker}"
    },
    "as it is, the list before the statement": {
        "prompt": f"{{article}}\n\nWhat is the stance of each speaker: {LABELS}?\n"
        "Statement: {target}\nWhat is the stance of {speaker}?"
    },
    "answer with one of, does the speaker support": {
        "prompt": f"{{article}}\n\nAnswer with one of: {LABELS}.\nStatement: {{target}}\nDoes {{speaker}} support or oppose this?"
    },
    "stances are, what does the speaker think of, statement": {
        "prompt": f"{{article}}\n\nStances: {LABELS}.\nWhat is the stance of {{speaker}} on this statement: {{target}}"
    },
    "no list": {"prompt": "{article}\n\nStatement: {target}\nWhat is the stance of {speaker}?"},
    "the list in the system message": {
        "system": f"You say what the stance of a speaker is: {LABELS}.",
        "prompt": "{article}\n\nStatement: {target}\nWhat is the stance of {speaker}?",
    },
}
TIMED = 8
"""Every eighth article is read anew for each wording, and timed; for the others the wordings share what the model has read."""


def systems_of(config: Mapping[str, Any]) -> dict[str, CausalChoice]:
    """The system in each wording."""
    return {
        name: cast(CausalChoice, build("stance", SystemConfig.model_validate({**config, **wording}), "cpu"))
        for name, wording in WORDINGS.items()
    }


def asked(system: CausalChoice, model: CausalModel, article: Article) -> dict[str, Any]:
    """Nodes of the article's trie, processor seconds, and by pair the sum of log-probabilities and the tokens of each label."""
    items = list(items_for("stance", [article]))
    groups = [system.choices(item, system.ask(model, item)) for item in items]
    nodes, shared = trie_size(model, [o for group in groups for o in group])
    start = time.process_time()
    scores = score(model, groups)
    took = time.process_time() - start
    values = {
        "\t".join([item.speaker.id, item.target.id]): [[s.logprob, s.n_tokens] for s in group]  # type: ignore[union-attr]
        for item, group in zip(items, scores, strict=True)
    }
    return {"nodes": nodes, "shared": shared, "processor_s": took, "pairs": values}


def measured(articles: Sequence[Article], file: Path) -> list[dict[str, Any]]:
    """One entry an article and wording, kept in the file as they come."""
    config = yaml.safe_load((ROOT / "configs" / "stance" / "smollm2.yaml").read_text(encoding="utf-8"))
    systems = systems_of(config)
    entries = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    done = {(e["article"], e["wording"]) for e in entries}
    data = load_dataset(ROOT / "datasets" / "escalation")
    model = next(iter(systems.values())).load_model(Context(data, device="cpu"))
    with file.open("a", encoding="utf-8") as out:
        for number, article in enumerate(articles):
            for name, system in systems.items():
                if (article.id, name) in done:
                    continue
                if number % TIMED == 0:
                    model.states.clear()
                entry = {"article": article.id, "wording": name, "timed": number % TIMED == 0}
                entries.append(entry | asked(system, model, article))
                out.write(json.dumps(entries[-1]) + "\n")
                out.flush()
    return entries


def pairs_of(article: Article, entry: Mapping[str, Any], normalise: str) -> Iterable[StancePair]:
    """The article's pairs that were asked and have gold, answered by the likeliest label."""
    for (speaker, target), label in article.gold_stances().items():
        if "\t".join([speaker, target]) not in entry["pairs"]:
            continue
        values = [v / (n if normalise == "mean" else 1) for v, n in entry["pairs"]["\t".join([speaker, target])]]
        yield StancePair(
            item="/".join([article.id, speaker, target]),
            article_id=article.id,
            speaker_id=speaker,
            target_id=target,
            gold=label.stance,
            predicted=Stance(STANCES[int(np.argmax(values))]),
        )


def main(count: int, file: Path) -> None:
    """Prints the table as Markdown."""
    import torch

    torch.set_num_threads(2)
    dev = [a for a in load_dataset(ROOT / "datasets" / "escalation") if a.split == "dev"][:count]
    entries = measured(dev, file)
    by_wording = {name: {e["article"]: e for e in entries if e["wording"] == name} for name in WORDINGS}
    print("| wording | nodes a pair | time | macro-F1, mean a token | macro-F1, sum |\n|:--|--:|--:|--:|--:|")
    before = 0.0
    for name, by_article in by_wording.items():
        took = sum(e["processor_s"] for e in by_article.values() if e["timed"])
        before = before or took
        nodes = sum(e["nodes"] for e in by_article.values()) / sum(len(e["pairs"]) for e in by_article.values())
        cells = []
        for normalise in ("mean", "sum"):
            pairs = [pair for a in dev for pair in pairs_of(a, by_article[a.id], normalise)]
            value = aggregate(pairs).metrics["stance.macro_f1.three_way"]
            cells.append(f"{value.value:.3f} [{value.ci_low:.3f}, {value.ci_high:.3f}]")
        print(f"| {name} | {nodes:.1f} | {took / before:.2f} × | {' | '.join(cells)} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=31)
    parser.add_argument("--answers", type=Path, default=Path("wordings.jsonl"))
    arguments = parser.parse_args()
    main(arguments.articles, arguments.answers)
