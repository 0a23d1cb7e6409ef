"""Asks one model of the gold set in its roles, in a process of its own: a line of JSON in (roles, articles), a line of JSON out
(seconds, processor seconds, answers). It runs in this checkout and in an earlier one.

cd CHECKOUT; PYTHONPATH=. PYTHON bench/_roles.py DATASET
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    import torch
    import yaml

    from harness import load_dataset
    from harness.config import SystemConfig
    from harness.systems.base import Context
    from harness.systems.registry import build

    try:
        from harness.runs.questions import items_for
    except ImportError:
        # where it was at commit b209a19
        from harness.systems.base import items_for  # type: ignore[attr-defined,no-redef]

    torch.set_num_threads(2)
    data = load_dataset(Path(sys.argv[1]))
    context = Context(data, device="cpu")
    systems: dict[str, Any] = {}
    for role in ("summariser", "stance"):
        config = yaml.safe_load(Path("configs", role, "smollm2.yaml").read_text(encoding="utf-8"))
        systems[role] = build(role, SystemConfig.model_validate(config), "cpu")
    model = systems["stance"].load_model(context)
    for line in sys.stdin:
        job = json.loads(line)
        articles = list(data)[: job["articles"]]
        # a measurement begins with nothing read, as a run does
        states = getattr(model, "states", None)
        if states is not None:
            states.clear()
        answers: dict[str, list[Any]] = {}
        start, started = time.perf_counter(), time.process_time()
        for role in job["roles"]:
            units = systems[role].plan(list(items_for(role, articles)))
            given = [answer for unit in units for answer in systems[role].answer(unit, context)]
            answers[role] = [a.output if role == "summariser" else json.loads(a.raw) for a in given]
        took = {"seconds": time.perf_counter() - start, "processor_s": time.process_time() - started}
        print(json.dumps(took | {"values": answers}), flush=True)


if __name__ == "__main__":
    main()
