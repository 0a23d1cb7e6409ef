"""Runs llama.cpp in an interpreter of its own: a line of JSON in, a line of JSON out.

`prompts` are continued (values: numbers of new tokens); `options`, pairs of context and continuation, are scored (values: the
continuations' log-probabilities) in batches of `batch` tokens, and what options share at their beginning is computed once.

PYTHON bench/_peer_llama_cpp.py MODEL.gguf [f32]    f32: attention in fp32, not in llama.cpp's own way
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

CONTEXT = 4096
"""Tokens of keys and values, of all sequences together."""
SEQUENCES = 256
"""The most that llama.cpp allows; the first holds what all options share."""


class Scorer:
    """One context of the low-level interface, for batches of one size."""

    def __init__(self, model: Any, batch: int, fp32: bool) -> None:
        import llama_cpp as c

        params = c.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = CONTEXT, batch, batch
        params.n_seq_max, params.kv_unified = SEQUENCES, True
        params.n_threads = params.n_threads_batch = 2
        if fp32:
            # its flash attention is off by 1e-2 on a processor, with keys and values in fp32 too
            params.type_k = params.type_v = c.GGML_TYPE_F32
            params.flash_attn_type = c.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self.c, self.size = c, batch
        self.context = c.llama_init_from_model(model, params)
        self.memory = c.llama_get_memory(self.context)
        self.vocabulary = c.llama_vocab_n_tokens(c.llama_model_get_vocab(model))
        self.batch = c.llama_batch_init(batch, 0, SEQUENCES)
        # what the first pass of a context allocates is not measured
        self.decode([(0, at, [0], True) for at in range(batch)])
        c.llama_memory_clear(self.memory, True)

    def close(self) -> None:
        self.c.llama_batch_free(self.batch)
        self.c.llama_free(self.context)

    def decode(self, nodes: list[tuple[int, int, list[int], bool]]) -> Any:
        """Logits [wanted nodes, vocabulary] of nodes: token, position, the sequences that it is part of, whether it is wanted."""
        import numpy as np

        b = self.batch
        b.n_tokens = len(nodes)
        for n, (token, position, sequences, wanted) in enumerate(nodes):
            b.token[n], b.pos[n], b.n_seq_id[n], b.logits[n] = token, position, len(sequences), wanted
            for k, sequence in enumerate(sequences):
                b.seq_id[n][k] = sequence
        if status := self.c.llama_decode(self.context, b):
            raise RuntimeError(f"llama_decode: {status}")
        rows = sum(wanted for *_, wanted in nodes)
        return (
            np.ctypeslib.as_array(self.c.llama_get_logits(self.context), shape=(rows, self.vocabulary))
            if rows
            else None
        )

    def score(self, options: list[tuple[list[int], list[int]]]) -> list[float]:
        """The log-probability of each continuation: what all share is read once and copied to each option's sequence; what some
        share stands once in a batch, as part of all of their sequences."""
        order = sorted(range(len(options)), key=lambda n: options[n][0] + options[n][1])
        first, last = (options[n][0] + options[n][1] for n in (order[0], order[-1]))
        common = min([shared(first, last), *(len(context) - 1 for context, _ in options)])
        self.c.llama_memory_clear(self.memory, False)
        for at in range(0, common, self.size):
            self.decode([(first[p], p, [0], False) for p in range(at, min(at + self.size, common))])
        logprobs = [0.0] * len(options)
        part: list[int] = []
        size, before = 0, first[:common]
        for n in order:
            ids = (options[n][0] + options[n][1])[:-1]
            new = len(ids) - shared(before, ids)
            if part and (size + new > self.size or len(part) == SEQUENCES - 1):
                self.score_part(options, part, common, logprobs)
                part, size, new = [], 0, len(ids) - common
            part.append(n)
            size, before = size + new, ids
        self.score_part(options, part, common, logprobs)
        return logprobs

    def score_part(
        self, options: list[tuple[list[int], list[int]]], part: list[int], common: int, logprobs: list[float]
    ) -> None:
        """Adds the log-probabilities of options, in the order of their tokens, that fit one batch."""
        import numpy as np

        nodes: list[tuple[int, int, list[int], bool]] = []
        wanted: list[tuple[int, int, int]] = []
        path: list[int] = []
        before: list[int] = []
        for sequence, n in enumerate(part, 1):
            context, continuation = options[n]
            ids = (context + continuation)[:-1]
            self.c.llama_memory_seq_cp(self.memory, 0, sequence, 0, common)
            same = max(0, shared(before, ids) - common)
            path = path[:same]
            for node in path:
                nodes[node][2].append(sequence)
            for p in range(common + same, len(ids)):
                path.append(len(nodes))
                nodes.append((ids[p], p, [sequence], False))
            for k, token in enumerate(continuation):
                node = path[len(context) - 1 + k - common]
                nodes[node] = (*nodes[node][:3], True)
                wanted.append((node, token, n))
            before = ids
        logits = self.decode(nodes)
        largest = logits.max(-1)
        totals = largest + np.log(np.exp(logits - largest[:, None]).sum(-1))
        row = {node: r for r, node in enumerate(n for n, (*_, w) in enumerate(nodes) if w)}
        for node, token, n in wanted:
            logprobs[n] += float(logits[row[node], token] - totals[row[node]])
        for sequence in range(1, len(part) + 1):
            self.c.llama_memory_seq_rm(self.memory, sequence, -1, -1)


def shared(a: list[int], b: list[int]) -> int:
    """How many leading tokens two sequences share."""
    import numpy as np

    size = min(len(a), len(b))
    apart = np.nonzero(np.not_equal(a[:size], b[:size]))[0]
    return int(apart[0]) if len(apart) else size


def main() -> None:
    from llama_cpp import Llama

    model = Llama(sys.argv[1], n_ctx=2048, n_threads=2, n_threads_batch=2, verbose=False)
    scorer: Scorer | None = None
    for line in sys.stdin:
        job = json.loads(line)
        values: list[float] = []
        if "options" in job:
            if scorer is None or scorer.size != job["batch"]:
                if scorer is not None:
                    scorer.close()
                scorer = Scorer(model.model, job["batch"], "f32" in sys.argv[2:])
            start, started = time.perf_counter(), time.process_time()
            values = scorer.score(job["options"])
        else:
            start, started = time.perf_counter(), time.process_time()
            for ids in job["prompts"]:
                model.reset()
                answer = model.create_completion(ids, max_tokens=job["max_new_tokens"], temperature=0.0)
                values.append(answer["usage"]["completion_tokens"])
        print(
            json.dumps(
                {"seconds": time.perf_counter() - start, "processor_s": time.process_time() - started, "values": values}
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
