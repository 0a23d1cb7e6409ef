"""A report over 100 systems with 10,000 item rows each: seconds, memory, and how fast the page opens and sorts.

    python bench/report_scale.py FOLDER [--articles 500] [--speakers 10] [--classifiers 80] [--summarisers 20]

Makes the results in FOLDER first (minutes) unless they are there. The page is measured where chromium is on the PATH.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import shutil
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))


def make(folder: Path, articles: int, speakers: int, classifiers: int, summarisers: int) -> None:
    """Runs make-believe systems, without prompts: a page of this size leaves them out anyway."""
    from tests import make_believe as mb

    class Silent(mb.NoisyStance):
        def answer(self, items, context):  # type: ignore[no-untyped-def]
            return [dataclasses.replace(a, prompt=None) for a in super().answer(items, context)]

    data = mb.dataset(articles, speakers)
    for i in range(classifiers):
        options = mb._Noisy(error=0.1 + 0.8 * i / classifiers, pace=0.01 * (i + 1), articles_a_unit=50)
        mb.run(folder, data, stance=Silent(f"classifier-{i:03d}", options), resamples=100)
    for i in range(summarisers):
        one = mb.summariser(f"summariser-{i:03d}", 0.1 + 0.6 * i / summarisers, articles_a_unit=50)
        mb.run(folder, data, summariser=one, judge=mb.judge(articles_a_unit=250), resamples=100)


TIMES = 5
OPENED = "performance.getEntriesByType('navigation')[0].domComplete"
READY = """new Promise((done) => { const ask = () => { const [found] = performance.getEntriesByName('ready');
           found ? done(found.startTime) : setTimeout(ask, 5); }; ask(); })"""
SORT = """() => { const table = document.querySelector('table[data-board=stance]'), t = performance.now();
          table.querySelectorAll('.sort')[1].click(); table.offsetHeight; return performance.now() - t; }"""


def page_times(page: Path) -> dict[str, float]:
    """Median milliseconds until the page is complete, until its first article is shown, and until a click has sorted the
    larger leaderboard while that is in view; each time in a browser that has seen nothing before."""
    from playwright.sync_api import sync_playwright

    times: dict[str, list[float]] = {"page opens, ms": [], "first article shown, ms": [], "sort, ms": []}
    with sync_playwright() as driver:
        for _ in range(TIMES):
            flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
            tab = browser.new_page()
            tab.goto(page.as_uri())
            ready = tab.evaluate(READY)
            found = [tab.evaluate(OPENED), ready]
            tab.evaluate("document.querySelector('table[data-board=stance]').scrollIntoView({behavior: 'instant'})")
            tab.wait_for_timeout(300)
            for name, value in zip(times, [*found, tab.evaluate(SORT)], strict=True):
                times[name].append(value)
            browser.close()
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Makes the results if need be, then times a report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    for name, default in (("articles", 500), ("speakers", 10), ("classifiers", 80), ("summarisers", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    chosen = parser.parse_args()
    if not (chosen.folder / "runs").exists():
        make(chosen.folder, chosen.articles, chosen.speakers, chosen.classifiers, chosen.summarisers)
        # in a process of its own, so that memory is the report's
        import subprocess

        sys.exit(subprocess.run([sys.executable, __file__, str(chosen.folder)], check=False).returncode)
    start = time.perf_counter()
    from harness.report.collect import load_runs
    from harness.report.table import leaderboards
    from harness.report.write import write_report

    runs = load_runs(chosen.folder)
    out = chosen.folder / "reports" / "scale"
    write_report(runs, leaderboards(runs), out)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(runs.records)} runs, {len(runs.items):,} items: report {seconds:.1f} s, peak {peak:.0f} MiB")
    print(f"index.html {(out / 'index.html').stat().st_size / 1e6:.1f} MB")
    if shutil.which("chromium"):
        for name, value in page_times(out / "index.html").items():
            print(f"{name}: {value:.0f}")


if __name__ == "__main__":
    main()
