"""`make bench`: ratios against peers, measured interleaved in one run, with the machine's own rates; writes bench/RESULTS.md.

LM_EVAL_PYTHON and LLAMA_CPP_PYTHON name interpreters in which these peers are installed; a missing one is said to be missing.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import harness  # noqa: F401 - sets how OpenMP threads wait before torch is loaded
from bench import (
    generation,
    probe_trie,
    ray_overhead,
    report_scale,
    resampling,
    roles,
    rouge,
    scale,
    stance_scoring,
    whole_commands,
)
from bench.peers import Row
from harness.runtime.environment import environment

OUT = Path(__file__).parent / "RESULTS.md"
PARAMETERS = 106_203_456
"""Of SmolLM2-135M's layers, each used once a token; the 28 million of its output only where logits are wanted."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--external", type=Path, default=Path("../shared/external"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--only",
        choices=[
            "stance",
            "summaries",
            "roles",
            "rouge",
            "statistics",
            "reports",
            "probes",
            "commands",
            "cluster",
            "scale",
        ],
        help="measure one section, keep the others",
    )
    args = parser.parse_args()
    jobs: dict[str, tuple[str, Callable[[], list[Row]]]] = {
        "stance": ("Stance scoring", lambda: stance_scoring.main(args.rounds)),
        "summaries": ("Summaries", lambda: generation.main(args.external / "uk_iraq_dna", args.rounds)),
        "roles": ("One model, several roles", lambda: roles.main(args.rounds)),
        "rouge": ("ROUGE", lambda: [rouge_row(args.external, args.rounds)]),
        "statistics": ("Statistics", lambda: resampling.main(rounds=args.rounds)),
        "reports": ("Reports", lambda: report_scale.main(rounds=args.rounds)),
        "scale": ("Scale", lambda: scale.main()),
        "probes": ("Probes", probe_trie.main),
        "commands": ("Whole commands", lambda: whole_commands.main(args.rounds)),
        "cluster": ("A Ray cluster", ray_overhead.main),
    }
    rates = machine_rates()
    kept = sections_of(OUT.read_text(encoding="utf-8")) if OUT.exists() else {}
    # each section is written as soon as it is measured: the next one may take minutes
    for name, (title, job) in jobs.items():
        # a million articles take hours: only where they are asked for
        if args.only == name or (args.only is None and name != "scale"):
            kept[title] = section(title, job())
            titles = [t for t, _ in jobs.values()]
            # what another command measured stands last
            order = [kept[t] for t in (*(t for t in titles if t in kept), *(t for t in kept if t not in titles))]
            OUT.write_text("\n".join([head(rates), *order]), encoding="utf-8")
            print(f"written: {OUT.name}, {title}", flush=True)


def sections_of(text: str) -> dict[str, str]:
    """The page's sections by title."""
    parts = text.split("\n## ")[1:]
    return {part.partition("\n")[0]: "## " + part.rstrip("\n") + "\n" for part in parts}


def rouge_row(external: Path, rounds: int) -> Row:
    """Ours against rouge-score on SummEval pairs."""
    found = rouge.measure(external, repeats=rounds)
    return {
        "name": f"{found.pairs} SummEval pairs × 4 variants, stemmer, cold cache, one thread, against rouge-score",
        "ours_s": found.ours_seconds,
        "peer_s": found.rouge_score_seconds,
        "ratio": found.ratio,
        "target": ">= 12",
        "note": f"largest difference {found.largest_difference:.1g}",
    }


def machine_rates() -> dict[str, float]:
    """Matrix products in GFLOP/s and memory reads in GB/s, medians of seven, fp32, with torch's threads."""
    import torch

    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    block = torch.randn(64 * 2**20)
    matrix = 2 * 1024**3 / median(lambda: a @ b) / 1e9
    memory = block.numel() * 4 / median(lambda: block.sum()) / 1e9
    return {"matrix_gflops": matrix, "memory_gbs": memory, "threads": torch.get_num_threads()}


def median(job: Callable[[], object], repeats: int = 7) -> float:
    """Seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def head(rates: dict[str, float]) -> str:
    """What was measured on what."""
    env = environment()
    packages = ", ".join(f"{k} {env['packages'][k]}" for k in ("torch", "transformers") if k in env["packages"])
    floor = 2 * PARAMETERS * 1000 / rates["matrix_gflops"] / 1e9
    return "\n".join(
        [
            "# Speed against peers",
            "",
            f"{date.today().isoformat()}, {env['processor']}, {env['cores']} cores,",
            f"Python {platform.python_version()}, {packages}.",
            "`make bench` writes this page: ratios of medians; ours and the peer take turns. Shared machines are noisy: trust",
            "the ratios, not the seconds.",
            "",
            f"The machine, measured in the same run: {rates['matrix_gflops']:.0f} GFLOP/s in fp32 matrix products,",
            f"{rates['memory_gbs']:.1f} GB/s of memory reads, {rates['threads']:.0f} threads. Arithmetic floor: {floor:.2f} s",
            "for 1,000 tokens through the layers of SmolLM2-135M (attention and output come on top).",
            "",
        ]
    )


def section(title: str, rows: list[Row]) -> str:
    """One table."""
    lines = [f"## {title}", "", f"{date.today().isoformat()}", ""]
    lines += ["| what | ours, s | peer, s | ratio | target | |", "|:--|--:|--:|--:|--:|:--|"]
    return "\n".join([*lines, *map(table_row, rows), ""])


def table_row(row: Row) -> str:
    """One line of a table; what was not measured is a dash, never a number."""
    numbers = ["–" if row.get(k) is None else f"{row[k]:.2f}" for k in ("ours_s", "peer_s", "ratio")]
    return f"| {row['name']} | {' | '.join(numbers)} | {row['target']} | {row.get('note', '')} |"


if __name__ == "__main__":
    main()
