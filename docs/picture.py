"""Take the README's picture: the first screen of the demo's report, in Debian's Chromium. ``make picture``."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


def main(report: Path, picture: Path) -> None:
    """Write ``picture`` from ``report``."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1180, "height": 1480}, device_scale_factor=1)
        page.goto(report.resolve().as_uri())
        page.wait_for_selector("svg.main-svg")
        page.screenshot(path=str(picture))
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
