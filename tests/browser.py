"""A real Chromium on the project's MLflow server, as a person sits before it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import (
    Browser,
    FrameLocator,
    Locator,
    Page,
    ViewportSize,
    sync_playwright,
)

#: milliseconds that a person would wait for anything to show
PATIENCE = 30_000
BOX = "toggle row selection"


def chromium() -> str:
    """Path of the browser: where there is none, CI fails and others skip."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        reason = "no chromium on the path (Debian: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def served(home: Path) -> Iterator[str]:
    """Address of `forecast ui` on a home, which ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "forecast", "ui", f"home={home}", f"port={port}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found is not None
            yield found.group()
        finally:
            server.send_signal(signal.SIGINT)


@contextmanager
def opened() -> Iterator[Browser]:
    """Start the browser, which ends with the block."""
    path = chromium()
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root; it sees our own pages alone
        words = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=path, args=words)
        try:
            yield browser
        finally:
            browser.close()


def fresh(
    browser: Browser,
    width: int = 1400,
    height: int = 1000,
    scheme: Literal["light", "dark"] = "light",
) -> Page:
    """Open a page that remembers nothing of those before."""
    size: ViewportSize = {"width": width, "height": height}
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.set_default_timeout(PATIENCE)
    return page


def open_experiment(page: Page, address: str, name: str) -> None:
    """From the first page to the runs of an experiment."""
    page.goto(address)
    # MLflow shows its part for language models first, and an assistant
    page.get_by_role("button", name="Model training", exact=True).click()
    page.get_by_role("button", name="Close").last.click()
    page.get_by_role("link", name=name, exact=True).first.click()


def run_row(page: Page, name: str) -> Locator:
    """Row of a run in the table, with the box to select it."""
    row = page.get_by_role("row").filter(has=page.get_by_label(BOX))
    return row.filter(has=page.get_by_role("link", name=name, exact=True))


def unfold(page: Page, run: str) -> None:
    """Show the runs below a run."""
    run_row(page, run).get_by_role("button").click()


def columns(page: Page, *names: str) -> None:
    """Show columns of the table that are hidden, and hide those that are shown."""
    page.get_by_role("button", name="Columns").click()
    for name in names:
        page.get_by_placeholder("Search columns").fill(name)
        titles = page.locator("[class*=tree-title]")
        titles.filter(has_text=re.compile(f"^{name}$")).click()
    page.keyboard.press("Escape")


def compare(page: Page) -> None:
    """Press Compare, and show of parameters those that differ."""
    page.get_by_role("button", name="Compare").click()
    page.get_by_label("Parameters - Show diff only").click()


def chart(page: Page, metric: str) -> None:
    """Show charts in the place of the table, of one metric."""
    page.locator("label", has=page.locator("input[value=CHART]")).click()
    page.get_by_placeholder("Search metric charts").fill(metric)


def open_report(page: Page, run: str) -> FrameLocator:
    """Open the report of a run among its artifacts."""
    run_row(page, run).get_by_role("link", name=run, exact=True).click()
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_text("report.html", exact=True).click()
    return page.frame_locator("iframe")
