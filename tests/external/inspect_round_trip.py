"""Runs a set in a real Inspect with its mock model and counts the answers that came back as another label.

    python tests/external/inspect_round_trip.py datasets/escalation

With `INSPECT_PYTHON` Inspect is taken from that interpreter, else installed in a temporary folder. The mock answers by the length
of the question, and refuses some; what it said is worked out here again. Prints how many answers came back and ends with 1 if
one differs.
"""

from __future__ import annotations

import json
import os
import string
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.data.answers.read import read_answers
from harness.data.answers.shape import Words
from harness.data.convert import export_dataset
from harness.types import STANCES
from tests.external.servers import venv

PINNED = "inspect-ai==0.3.285"
RUN = """
import sys
from inspect_ai import eval
from inspect_ai.model import ModelOutput, ModelUsage, get_model

def answer(input, tools, tool_choice, config):
    n = len(input[-1].text)
    output = ModelOutput.from_content("mockllm/model", "ANSWER: " + "ABCDEF"[n % 6] if n % 11 else "I will not say.")
    output.usage = ModelUsage(input_tokens=n, output_tokens=3, total_tokens=n + 3)
    return output

log = eval(sys.argv[1], model=get_model("mockllm/model", custom_outputs=answer), log_dir=sys.argv[2], display="none")[0]
print(log.status, log.results.scores[0].metrics["accuracy"].value)
"""


def main(dataset: str) -> int:
    """1 if an answer came back as another label."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = os.environ.get("INSPECT_PYTHON") or venv(folder / "venv", PINNED)
        export_dataset("inspect", Path(dataset), folder / "task", {})
        [task] = (folder / "task").glob("*.py")
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        subprocess.run(
            [str(python), "-c", RUN, task.name, str(folder / "logs")], check=True, cwd=task.parent, env=environment
        )
        back = {"/".join(a.ids): a for a in read_answers(folder / "logs", Words(), pairs=True).answers}
        samples = [json.loads(line) for line in task.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()]
        wrong = 0
        right = 0
        for sample in samples:
            answer = back.pop(sample["id"])
            # the question that the mock saw is as long as Inspect counts its tokens
            n = answer.tokens_in
            wrong += answer.label != (STANCES[n % 6] if n % 11 else None)
            right += answer.label == STANCES[string.ascii_uppercase.index(sample["target"])]
        print(
            f"{len(samples)} answers: {wrong} came back as another label, {len(back)} unknown; accuracy {right / len(samples)}"
        )
        return int(bool(wrong or back))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
