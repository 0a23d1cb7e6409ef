"""Runs llama.cpp in an interpreter of its own: a line of JSON in (prompts), a line of JSON out (seconds, tokens).

PYTHON bench/_peer_llama_cpp.py MODEL.gguf
"""

from __future__ import annotations

import json
import sys
import time


def main() -> None:
    from llama_cpp import Llama

    model = Llama(sys.argv[1], n_ctx=2048, n_threads=2, n_threads_batch=2, verbose=False)
    for line in sys.stdin:
        job = json.loads(line)
        start = time.perf_counter()
        counts = []
        for ids in job["prompts"]:
            model.reset()
            answer = model.create_completion(ids, max_tokens=job["max_new_tokens"], temperature=0.0)
            counts.append(answer["usage"]["completion_tokens"])
        print(json.dumps({"seconds": time.perf_counter() - start, "values": counts}), flush=True)


if __name__ == "__main__":
    main()
