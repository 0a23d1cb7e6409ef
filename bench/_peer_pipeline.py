"""Runs a loop of pipeline("text-generation") in a process of its own: a line of JSON in (prompts), a line of JSON out (seconds,
texts).

PYTHON bench/_peer_pipeline.py FOLDER
"""

from __future__ import annotations

import json
import sys
import time


def main() -> None:
    import torch
    from transformers import pipeline
    from transformers.utils import logging

    torch.set_num_threads(2)
    logging.set_verbosity_error()
    loop = pipeline("text-generation", model=sys.argv[1], dtype=torch.float32, device="cpu")
    for line in sys.stdin:
        job = json.loads(line)
        settings = {"max_new_tokens": job["max_new_tokens"], "do_sample": False, "return_full_text": False}
        start = time.perf_counter()
        texts = [loop(prompt, **settings)[0]["generated_text"] for prompt in job["prompts"]]
        print(json.dumps({"seconds": time.perf_counter() - start, "values": texts}), flush=True)


if __name__ == "__main__":
    main()
