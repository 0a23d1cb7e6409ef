"""Runs lm-eval in an interpreter of its own: a line of JSON in (requests), a line of JSON out (seconds, values).

PYTHON bench/_peer_lm_eval.py MODEL_FOLDER
"""

from __future__ import annotations

import json
import sys
import time


def main() -> None:
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    torch.set_num_threads(2)
    models: dict[int, HFLM] = {}
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        job = json.loads(line)
        size = job["batch_size"]
        if size not in models:
            models[size] = HFLM(pretrained=sys.argv[1], device="cpu", dtype="float32", batch_size=size)
        requests = [Instance("loglikelihood", {}, tuple(pair), n) for n, pair in enumerate(job["pairs"])]
        start = time.perf_counter()
        values = models[size].loglikelihood(requests, disable_tqdm=True)
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "values": [v for v, _ in values]}), file=out, flush=True)


if __name__ == "__main__":
    main()
