"""Fills the tables of docs/human_labels.md: what the systems score on people's labels, and how far our gold ranks them alike.

    python docs/human_labels.py --validation SEESAW seesaw_valid       copies the stories of SEESAW's validation split
    python docs/human_labels.py SEESAW=seesaw_results UK-Iraq=uk_iraq_results SemEval-2016=semeval_results speakers=speakers.md

Each argument is a name and a results folder; our gold is that of results/reference; `speakers=` is a file of what
docs/human_speakers.py prints.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from generate import filled
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


def scores(folder: Path, versions: Mapping[str, str] | None = None) -> dict[str, Mapping[str, Values]]:
    """The metrics of each stance classifier's complete run in a results folder, by its name; annotators left out.

    With `versions` (fingerprints by name) only runs of these versions count, so that one system is compared with itself.
    """
    systems: dict[str, Mapping[str, Values]] = {}
    for record in records(folder):
        name = record["config"]["stance"]["name"]
        if versions is None or fingerprint(record) == versions.get(name):
            systems[name] = record["metrics"]
    return systems


def records(folder: Path) -> Iterator[Mapping[str, Any]]:
    """The records of complete runs of stance classifiers."""
    for file in sorted((folder / "runs").glob("*/record.json")):
        record = json.loads(file.read_text(encoding="utf-8"))
        config = record["config"]
        if record["status"] == "complete" and not config["summariser"] and config["stance"]["adapter"] != "annotator":
            yield record


def fingerprint(record: Mapping[str, Any]) -> str:
    """That of the stance classifier of a run."""
    return str(next(s["fingerprint"] for s in record["systems"] if s["kind"] == "stance"))


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


def validation(seesaw: Path, out: Path) -> int:
    """Copies the stories of SEESAW's validation split into a folder of the same shape; prints how many articles they have."""
    n = 0
    for story in sorted((seesaw / "meta").glob("*.json")):
        if json.loads(story.read_text(encoding="utf-8"))["Split"] != "valid":
            continue
        for file in (story, *seesaw.glob(f"a*/{story.stem}_DOCUMENT_*.json")):
            (out / file.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(file, out / file.parent.name)
            n += file.parent.name == "articles"
    print(f"{n} articles in {out}")
    return 0


def blocks(gold: Mapping[str, Any], people: Mapping[str, Any]) -> Iterator[str]:
    """A table for our gold and one for each set of people's labels, with the number of pairs and the systems not run."""
    for name, systems in {"Our gold": gold, **people}.items():
        first = next(iter(systems.values()))["stance.f_avg.three_way"]
        missing = ", ".join(sorted(set(gold) - set(systems)))
        yield f"**{name}**, {first['n_scored'] + first['n_unscored']:,} pairs" + (
            f"; not run: {missing}" if missing else ""
        )
        yield ""
        yield from table(systems)
        yield ""


def main(arguments: list[str]) -> int:
    """Writes the page's tables (that of the finders where it is given), or copies the validation stories."""
    if arguments[:1] == ["--validation"]:
        return validation(*map(Path, arguments[1:3]))
    folders = dict(argument.split("=", 1) for argument in arguments)
    speakers = folders.pop("speakers", None)
    reference = ROOT / "results" / "reference"
    gold = scores(reference)
    versions = {record["config"]["stance"]["name"]: fingerprint(record) for record in records(reference)}
    people = {name: scores(Path(folder), versions) for name, folder in folders.items()}
    page = ROOT / "docs" / "human_labels.md"
    text = filled(page.read_text(encoding="utf-8"), "stances", list(blocks(gold, people))[:-1])
    text = filled(text, "ranks", list(correlations(gold, people)))
    if speakers is not None:
        text = filled(text, "speakers", Path(speakers).read_text(encoding="utf-8").splitlines())
    page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
