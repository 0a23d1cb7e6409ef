"""A report over 100 systems with 10,000 item rows each: seconds, memory, and how fast the page opens and sorts.

    python -m bench.report_scale [FOLDER]

Makes the results in FOLDER first (a temporary one if none is named) unless they are there: one classifier and one summariser
through the real scoring, the others as copies whose answers are shuffled. The page is measured where chromium is on the PATH.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.peers import Row, row, show

ROOT = Path(__file__).parents[1]
ARTICLES, SPEAKERS = 500, 10
SYSTEMS = {"stance": 80, "summariser": 20}
TIMES = 5
REPORT = """
import json, resource, sys, time
from pathlib import Path
start = time.perf_counter()
from harness.report.collect import load_runs
from harness.report.table import leaderboards
from harness.report.write import write_report
runs = load_runs(sys.argv[1])
write_report(runs, leaderboards(runs), Path(sys.argv[1]) / "reports" / "scale")
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak": peak, "systems": len(runs.records), "items": len(runs.items)}))
"""
"""A report in a process of its own, so that memory is the report's."""


def make(folder: Path) -> None:
    """The results of make-believe systems, without prompts: a page of this size leaves them out anyway."""
    sys.path.insert(0, str(ROOT))
    from tests import make_believe as mb

    class Silent(mb.NoisyStance):
        def answer(self, items, context):  # type: ignore[no-untyped-def]
            return [dataclasses.replace(a, prompt=None) for a in super().answer(items, context)]

    data = mb.dataset(ARTICLES, SPEAKERS)
    options = mb._Noisy(error=0.1, articles_a_unit=50)
    classifier = mb.run(folder, data, stance=Silent("classifier-000", options), resamples=100)
    judged = mb.run(
        folder,
        data,
        summariser=mb.summariser("summariser-000", 0.1, articles_a_unit=50),
        judge=mb.judge(articles_a_unit=250),
        resamples=100,
    )
    for kind, record, name in (("stance", classifier, "classifier"), ("summariser", judged, "summariser")):
        for i in range(1, SYSTEMS[kind]):
            copy(folder, record.run_id, kind, f"{name}-{i:03d}", share=0.8 * i / SYSTEMS[kind])


def copy(folder: Path, run_id: str, kind: str, name: str, *, share: float) -> None:
    """A run as if by another system: that share of its labels is shuffled, its item scores are lower by as much."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from harness.results.records import DIGEST
    from harness.results.store import PredictionStore

    rng = random.Random(name)
    fingerprint = hashlib.sha256(name.encode()).hexdigest()
    made, store = folder / "runs" / f"{name}-{fingerprint[:10]}", PredictionStore(folder / "predictions")
    shutil.copytree(folder / "runs" / run_id, made)
    record = json.loads((made / "record.json").read_text(encoding="utf-8"))
    del record[DIGEST]
    use = next(s for s in record["systems"] if s["kind"] == kind)
    before = store.folder(use["name"], use["fingerprint"])
    record |= {"run_id": made.name, "overrides": [f"{kind}={name}"]}
    use |= {"name": name, "fingerprint": fingerprint, "seconds": use["seconds"] * (1 + share)}
    for value in record["metrics"].values():
        for part in ("value", "ci_low", "ci_high"):
            value[part] = None if value[part] is None else value[part] * (1 - share / 2)
    (made / "record.json").write_text(json.dumps(record), encoding="utf-8")
    if kind == "summariser":
        scores = pq.read_table(made / "scores.parquet")
        values = scores["value"].to_numpy(zero_copy_only=False) * (
            1 - share * np.random.default_rng(0).random(len(scores))
        )
        place = scores.schema.get_field_index("value")
        pq.write_table(scores.set_column(place, "value", pa.array(values, from_pandas=True)), made / "scores.parquet")
    shutil.copytree(before, after := store.folder(name, fingerprint))
    for path in after.glob("*.parquet") if kind == "stance" else ():
        table = pq.read_table(path)
        labels = table["label"].to_pylist()
        chosen = [i for i in range(len(labels)) if rng.random() < share]
        for i, j in zip(chosen, rng.sample(chosen, len(chosen)), strict=True):
            labels[i], labels[j] = labels[j], labels[i]
        place = table.schema.get_field_index("label")
        pq.write_table(table.set_column(place, table.schema.field(place), pa.array(labels, pa.string())), path)


OPENED = "performance.getEntriesByType('navigation')[0].domComplete"
READY = """new Promise((done) => { const ask = () => { const [found] = performance.getEntriesByName('ready');
           found ? done(found.startTime) : setTimeout(ask, 5); }; ask(); })"""
SORT = """() => { const table = document.querySelector('table[data-board=stance]'), t = performance.now();
          table.querySelectorAll('.sort')[1].click(); table.offsetHeight; return performance.now() - t; }"""


def page_times(page: Path) -> dict[str, float]:
    """Median seconds until the page is complete, until its first article is shown, and until a click has sorted the larger
    leaderboard while that is in view; each time in a browser that has seen nothing before."""
    from playwright.sync_api import sync_playwright

    times: dict[str, list[float]] = {"opens": [], "shows its first article": [], "sorts": []}
    with sync_playwright() as driver:
        for _ in range(TIMES):
            flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            flags += ["--disable-component-update", "--disable-sync"]
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
            tab = browser.new_page()
            tab.goto(page.as_uri())
            ready = tab.evaluate(READY)
            found = [tab.evaluate(OPENED), ready]
            tab.evaluate("document.querySelector('table[data-board=stance]').scrollIntoView({behavior: 'instant'})")
            tab.wait_for_timeout(300)
            for name, value in zip(times, [*found, tab.evaluate(SORT)], strict=True):
                times[name].append(value / 1000)
            browser.close()
    return {name: statistics.median(values) for name, values in times.items()}


def main(folder: Path | None = None, rounds: int = 3) -> list[Row]:
    """The report's seconds and memory (medians of `rounds` processes), then the page's; makes the results if need be."""
    with tempfile.TemporaryDirectory() as temporary:
        where = folder or Path(temporary)
        if not (where / "runs").exists():
            make(where)
        told: list[dict[str, Any]] = []
        for _ in range(rounds):
            command = [sys.executable, "-c", REPORT, str(where)]
            process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
            told.append(json.loads(process.stdout))
        seconds, peak = (statistics.median(t[key] for t in told) for key in ("seconds", "peak"))
        page = where / "reports" / "scale" / "index.html"
        what = f"{told[0]['systems']} systems × {told[0]['items']:,} items"
        note = f"peak memory {peak:,.0f} MiB (at most 2,048); page {page.stat().st_size / 1e6:.1f} MB"
        rows = [row(f"report over {what}, all five files", seconds, None, "ours <= 20 s", note)]
        if shutil.which("chromium"):
            rows += [
                row(f"the page of {what} {name}", value, None, "ours <= 1 s", f"median of {TIMES} fresh browsers")
                for name, value in page_times(page).items()
            ]
    show(rows)
    return rows


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
