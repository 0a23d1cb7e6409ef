"""Takes docs/report.png, the README's picture: the first screens of the committed report, in Debian's chromium."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "results" / "reference" / "reports" / "latest" / "index.html"
WIDTH, HEIGHT = 1440, 1600


def main() -> int:
    """Writes the picture; where it cannot, says what is missing."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None or not PAGE.exists():
        print(f"no picture: {'no chromium' if browser is None else f'no {PAGE.relative_to(ROOT)}: make reference'}")
        return 1
    from playwright.sync_api import sync_playwright

    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=flags)
        tab = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        tab.goto(PAGE.as_uri())
        tab.screenshot(path=ROOT / "docs" / "report.png")
        chromium.close()
    print("written: docs/report.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
