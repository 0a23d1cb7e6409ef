"""Prints the tables of docs/human_labels.md: what the systems score on people's labels, and how far our gold ranks them alike.

    python docs/human_labels.py SEESAW=/tmp/seesaw_results UK-Iraq=/tmp/uk_iraq_results SemEval=/tmp/semeval_results

Each argument is a name and a results folder; `gold=` adds systems to those of results/reference.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scipy.stats import kendalltau

ROOT = Path(__file__).parents[1]
METRICS = {
    "stance.f_avg.three_way": "F_avg",
    "stance.macro_f1.three_way": "macro-F1 3-way",
    "stance.accuracy.six_label": "accuracy 6-label",
    "stance.sign_flip_rate.five_point": "sign flips",
}
"""Columns; systems are ranked by the first two."""

FEW = 8
"""Below so many systems a rank correlation supports no conclusion."""

Values = Mapping[str, Any]


def scores(*folders: Path) -> dict[str, Mapping[str, Values]]:
    """The metrics of each stance classifier's complete run below the folders, by its name; annotators left out."""
    systems: dict[str, Mapping[str, Values]] = {}
    for file in sorted(f for folder in folders for f in (folder / "runs").glob("*/record.json")):
        record = json.loads(file.read_text(encoding="utf-8"))
        config = record["config"]
        if record["status"] != "complete" or config["summariser"] or config["stance"]["adapter"] == "annotator":
            continue
        systems[config["stance"]["name"]] = record["metrics"]
    return systems


def rank_correlation(first: list[float], second: list[float]) -> tuple[float, float | None, float | None]:
    """Kendall's tau-b of n systems, and its interval at 95 % over systems; no interval below 5 systems.

    The interval is Fisher's z with the variance 0.437 / (n - 4) (Fieller, Hartley & Pearson 1957; Bonett & Wright 2000): it
    says how far another choice of as many systems could move tau, were they drawn at random.
    """
    tau = float(kendalltau(first, second).statistic)
    if len(first) < 5 or abs(tau) == 1:
        return tau, None, None
    half = 1.96 * math.sqrt(0.437 / (len(first) - 4))
    return tau, math.tanh(math.atanh(tau) - half), math.tanh(math.atanh(tau) + half)


def table(systems: Mapping[str, Mapping[str, Values]]) -> Iterator[str]:
    """A Markdown table, best by the first metric first."""
    yield "| system | " + " | ".join(METRICS.values()) + " |"
    yield "|---|" + "---|" * len(METRICS)
    first = next(iter(METRICS))
    for name in sorted(systems, key=lambda name: -systems[name][first]["value"]):
        yield f"| {name} | " + " | ".join(_cell(systems[name][key]) for key in METRICS) + " |"


def correlations(gold: Mapping[str, Mapping[str, Values]], people: Mapping[str, Any]) -> Iterator[str]:
    """For each set of people's labels the rank correlation with our gold, over the systems that both have."""
    yield "| people's labels | systems | ranked by | Kendall τ_b | conclusion |"
    yield "|---|---|---|---|---|"
    for name, systems in people.items():
        shared = sorted(set(gold) & set(systems))
        for key in list(METRICS)[:2]:
            tau, low, high = rank_correlation(*([s[n][key]["value"] for n in shared] for s in (gold, systems)))
            interval = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
            few = f"none: under {FEW} systems" if len(shared) < FEW else ""
            yield f"| {name} | {len(shared)} | {METRICS[key]} | {tau:.2f}{interval} | {few} |".replace("-0.", "−0.")


def _cell(value: Values) -> str:
    if value["value"] is None:
        return "–"
    interval = "" if value["ci_low"] is None else f" [{value['ci_low']:.3f}, {value['ci_high']:.3f}]"
    return f"{value['value']:.3f}{interval}".replace("-0.", "−0.")


def main(arguments: list[str]) -> int:
    """Prints a table for our gold and one for each folder, then the correlations."""
    folders = dict(argument.split("=", 1) for argument in arguments)
    added = [Path(folders.pop("gold"))] if "gold" in folders else []
    gold = scores(ROOT / "results" / "reference", *added)
    people = {name: scores(Path(folder)) for name, folder in folders.items()}
    for name, systems in {"our gold": gold, **people}.items():
        print(f"\n{name}, {next(iter(systems.values()))['stance.f_avg.three_way']['n_scored']:,} pairs\n")
        print("\n".join(table(systems)))
    print("\n" + "\n".join(correlations(gold, people)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
