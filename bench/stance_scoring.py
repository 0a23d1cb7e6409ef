"""Stances by the run's own prompts: the packed prefix trie against lm-eval, llama.cpp and plain forward passes.

    LM_EVAL_PYTHON=/path/to/python LLAMA_CPP_PYTHON=/path/to/python python -m bench.stance_scoring [--rounds 3] [--parts ...]

What is asked comes from the gold dataset and from configs/stance/smollm2.yaml, by the code of a run. `trie` takes half a minute,
`speakers` and `pairs` some minutes each, nearly all of them lm-eval's; so does `dataset`, where nearly all are ours. `fp32`,
`flash` and `q4`, half a minute a round, are against llama.cpp, which computes once what options share, at its best batch size.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import yaml

from bench.float32_gguf import write_float32
from bench.peers import Peer, Row, interleaved, row, seconds, show
from harness import load_dataset
from harness.config import SystemConfig
from harness.models.causal import CausalModel
from harness.models.packed_trie import build_trie
from harness.models.prefix_trie import Option, score, score_plain, trie_holds
from harness.runs.questions import items_for
from harness.systems.base import Context
from harness.systems.causal import CausalChoice
from harness.systems.registry import build
from harness.types import STANCES, Article, Item

ROOT = Path(__file__).parents[1]
SPEAKERS = 7
WORDINGS = ("against any further escalation", "no clear position on it", "in favour of an escalation")
"""Answers of four or five tokens, no two of which begin alike: lm-eval reads the context once for each."""
SAMPLED = 5
"""Questions of the whole dataset that lm-eval answers, of six requests each: it reuses what they share, as in a full run."""
BATCH_SIZES = (1, 2, 4, 8)
BATCH_TOKENS = (512, 1024)
"""Tokens in one pass of llama.cpp."""


class Bench:
    """The system, its loaded model, the dataset and lm-eval."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        config = yaml.safe_load((ROOT / "configs" / "stance" / "smollm2.yaml").read_text(encoding="utf-8"))
        self.system = cast(CausalChoice, build("stance", SystemConfig.model_validate(config), "cpu"))
        self.data = load_dataset(ROOT / "datasets" / "escalation")
        self.context = Context(self.data, device="cpu")
        self.model: CausalModel = self.system.load_model(self.context)
        seed = next((ROOT / "seeds").glob("*.txt")).read_text(encoding="utf-8").strip()
        self.seed: Article = next(a for a in self.data if a.text.strip() == seed)
        self.peer = Peer("_peer_lm_eval.py", "LM_EVAL_PYTHON", "lm_eval", str(self.model.source.folder()))
        trie_holds(self.model)

    def options(self, items: Sequence[Item]) -> list[Option]:
        """What a run scores for these items."""
        return [o for item in items for o in self.system.choices(item, self.system.ask(self.model, item))]

    @cached_property
    def three(self) -> list[Option]:
        """Three wordings after a run's own prompts, for the seed article's first speakers and its first target."""
        items = [i for i in items_for("stance", [self.seed]) if i.target == self.seed.targets[0]]
        prompts = [self.system.ask(self.model, item).prompts[0] for item in items[:SPEAKERS]]
        return [Option(prompt, wording) for prompt in prompts for wording in WORDINGS]

    def by_lm_eval(self, options: Sequence[Option], batch_size: int) -> dict[str, Any]:
        """`seconds`, and the `values` by option."""
        pairs = [[o.context, o.continuation] for o in options]
        found: dict[str, Any] = self.peer.run({"pairs": pairs, "batch_size": batch_size})
        return found

    @cached_property
    def race(self) -> tuple[float, float, int]:
        """Seconds for the small set, ours and lm-eval's at its best batch size, turn by turn; and that size."""
        self.by_lm_eval(self.three, 1)
        jobs = [lambda b=b: float(self.by_lm_eval(self.three, b)["seconds"]) for b in BATCH_SIZES]
        ours, *theirs = interleaved([self.small_trie, *jobs], self.rounds)
        return ours, *min(zip(theirs, BATCH_SIZES, strict=True))

    def small_trie(self) -> float:
        """Seconds for the small set."""
        return self.unread(lambda: score(self.model, [self.three]))

    def unread(self, job: Callable[[], object]) -> float:
        """Seconds of a job that begins with nothing read, as a run does."""
        self.model.states.clear()
        return seconds(job)

    def answered(self, items: Sequence[Item]) -> float:
        """Seconds for a run's whole answer to an article's questions."""
        return self.unread(lambda: self.system.answer(items, self.context))

    def tokens(self, options: Sequence[Option]) -> tuple[int, int]:
        """Tokens that (lm-eval, the trie) computes: lm-eval shares a row between one-token endings of one beginning."""
        pairs = self.model.encode_pairs([(o.context, o.continuation) for o in options])
        rows = {(*context, *continuation[:-1]) for context, continuation in pairs}
        return sum(map(len, rows)), len(build_trie([a + b for a, b in pairs], [len(a) for a, _ in pairs]))


def trie(bench: Bench) -> Row:
    """A pass over a trie against an ordinary pass over as many tokens."""
    import torch

    model = bench.model
    _, nodes = bench.tokens(bench.three)
    ids = torch.from_numpy(np.random.default_rng(0).integers(0, model.vocabulary, (1, nodes)))
    keep = torch.arange(nodes - 64, nodes)

    def forward() -> float:
        with torch.inference_mode():
            return seconds(lambda: model.logits(ids, keep=keep))

    bench.small_trie()
    ours_s, plain_s = interleaved([bench.small_trie, forward], 2 * bench.rounds + 1)
    ours, plain = score(model, [bench.three])[0], score_plain(model, [bench.three])[0]
    apart = max(abs(a.logprob - b.logprob) for a, b in zip(ours, plain, strict=True))
    return row(
        f"one trie pass of {nodes} nodes / one plain forward pass of {nodes} tokens",
        ours_s,
        plain_s,
        "ours <= 1.25 x peer, so ratio >= 0.80",
        f"{len(ours)} log-probabilities differ from the plain path's by at most {apart:.1e}",
    )


def speakers(bench: Bench) -> Row:
    """A few speakers and three options."""
    name = f"seed article: {SPEAKERS} speakers x {len(WORDINGS)} options of 4 or 5 tokens"
    if bench.peer.missing:
        return row(name, interleaved([bench.small_trie], bench.rounds)[0], None, ">= 20", bench.peer.why)
    ours_s, peer_s, best = bench.race
    values = [s.logprob for s in score(bench.model, [bench.three])[0]]
    apart = difference(values, bench.by_lm_eval(bench.three, best)["values"])
    theirs, nodes = bench.tokens(bench.three)
    note = f"lm-eval 0.4.13 at its best batch size {best}; {shares(theirs, nodes)}; {apart}"
    return row(name, ours_s, peer_s, ">= 20", note)


def pairs(bench: Bench) -> Row:
    """All that a run asks about the seed article."""
    items = list(items_for("stance", [bench.seed]))
    name = f"seed article: {len(items)} (speaker, target) pairs x {len(STANCES)} labels"

    def ours() -> float:
        return statistics.median(bench.answered(items) for _ in range(bench.rounds))

    if bench.peer.missing:
        return row(name, ours(), None, ">= 55", bench.peer.why)
    *_, best = bench.race
    options = bench.options(items)
    ours_s = ours()
    found = bench.by_lm_eval(options, best)
    ours_s = statistics.mean([ours_s, ours()])
    apart = difference([s.logprob for s in score(bench.model, [options])[0]], found["values"])
    note = f"lm-eval in full, once, batch size {best}; ours is the run's whole answer; {shares(*bench.tokens(options))}; {apart}"
    return row(name, ours_s, found["seconds"], ">= 55", note)


def dataset(bench: Bench) -> Row:
    """All that a run asks about all articles."""
    items = list(items_for("stance", bench.data.articles))
    count = len(items) * len(STANCES)
    name = f"whole dataset: {len(bench.data)} articles, {len(items)} pairs x {len(STANCES)} labels"
    sample = bench.options(random.Random(0).sample(items, SAMPLED))
    best = 1 if bench.peer.missing else bench.race[-1]
    sampled_s = 0.0 if bench.peer.missing else float(bench.by_lm_eval(sample, best)["seconds"])
    units = bench.system.plan(items)
    ours_s = bench.unread(lambda: [bench.system.answer(unit, bench.context) for unit in units])
    if bench.peer.missing:
        return row(name, ours_s, None, "none", bench.peer.why)
    both = [bench.tokens(bench.options(unit)) for unit in units]
    theirs, nodes = (sum(part) for part in zip(*both, strict=True))
    by_tokens = sampled_s * theirs / bench.tokens(sample)[0]
    note = (
        f"lm-eval EXTRAPOLATED by the number of requests from {len(sample)} of {count}, those of {SAMPLED} pairs drawn with a "
        f"fixed seed, batch size {best} (by the number of tokens: {by_tokens:.0f} s, ratio {by_tokens / ours_s:.1f}); "
        f"ours in full, once; {shares(theirs, nodes)}"
    )
    return row(name, ours_s, sampled_s * count / len(sample), "none", note)


def fp32(bench: Bench) -> Row:
    """llama.cpp with the weights that we compute with, and its attention in fp32."""
    return float32_weights(bench, ["f32"], "fp32", ">= 2")


def flash(bench: Bench) -> Row:
    """llama.cpp with these weights in its own way: flash attention, keys and values in fp16."""
    return float32_weights(bench, [], "fp32 weights, its attention in fp16", "none")


def q4(bench: Bench) -> Row:
    """llama.cpp with the file as it is, in its own way."""
    return against_llama_cpp(bench, bench.model.source.path, [], "the Q4 file", "none")


def float32_weights(bench: Bench, arguments: Sequence[str], setting: str, target: str) -> Row:
    """llama.cpp with a file in fp32, made for it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "float32.gguf"
        write_float32(Path(str(bench.model.source.path)), file)
        return against_llama_cpp(bench, file, arguments, setting, target)


def against_llama_cpp(bench: Bench, file: Path | None, arguments: Sequence[str], setting: str, target: str) -> Row:
    """All that a run asks about the seed article, turn by turn with llama.cpp at each batch size."""
    peer = Peer("_peer_llama_cpp.py", "LLAMA_CPP_PYTHON", "llama_cpp", str(file), *arguments)
    items = list(items_for("stance", [bench.seed]))
    name = f"seed article: {len(items)} pairs x {len(STANCES)} labels / llama.cpp, prefix kept, {setting}"
    if peer.missing:
        return row(name, interleaved([lambda: bench.answered(items)], bench.rounds)[0], None, target, peer.why)
    options = bench.options(items)
    job = {"options": bench.model.encode_pairs([(o.context, o.continuation) for o in options])}
    values: list[float] = []
    processor: dict[int, list[float]] = {size: [] for size in (0, *BATCH_TOKENS)}

    def ours() -> float:
        start = time.process_time()
        took = bench.answered(items)
        processor[0].append(time.process_time() - start)
        return took

    def theirs(size: int) -> float:
        reply = peer.run(job | {"batch": size})
        values[:] = reply["values"]
        processor[size].append(reply["processor_s"])
        return float(reply["seconds"])

    ours_s, *times = interleaved([ours, *(lambda n=n: theirs(n) for n in BATCH_TOKENS)], bench.rounds)
    peer.close()
    peer_s, best = min(zip(times, BATCH_TOKENS, strict=True))
    logprobs = [s.logprob for s in score(bench.model, [options])[0]]
    likeliest = [np.asarray(each).reshape(-1, len(STANCES)).argmax(1) for each in (logprobs, values)]
    note = (
        f"llama-cpp-python {peer.version('llama-cpp-python')} in batches of {best} tokens, its best; "
        f"{min(processor[best]) / min(processor[0]):.2f} x our processor time; {difference(logprobs, values)}, "
        f"{int((likeliest[0] == likeliest[1]).sum())} of {len(items)} likeliest labels are the same"
    )
    return row(name, ours_s, peer_s, target, note)


def shares(theirs: int, nodes: int) -> str:
    """How much less there is to compute."""
    return f"lm-eval computes {theirs} tokens, the trie {nodes}: {theirs / nodes:.1f} times fewer"


def difference(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """The largest difference of log-probabilities."""
    apart = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
    return f"{len(ours)} log-probabilities differ by at most {apart:.1e}"


PARTS: dict[str, Callable[[Bench], Row]] = {
    "trie": trie,
    "speakers": speakers,
    "pairs": pairs,
    "fp32": fp32,
    "flash": flash,
    "q4": q4,
    "dataset": dataset,
}


def main(rounds: int = 3, parts: Sequence[str] = tuple(PARTS)) -> list[Row]:
    """Rows of the named parts, shown as they come."""
    import torch

    torch.set_num_threads(2)
    bench = Bench(rounds)
    rows = []
    for part in parts:
        rows.append(PARTS[part](bench))
        show(rows[-1:])
    bench.peer.close()
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS), help="default: all")
    given = parser.parse_args()
    main(given.rounds, given.parts)
