"""What a person sees of finished runs in MLflow, in a real browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from browser import (
    BOX,
    PATIENCE,
    chart,
    chromium,
    compare,
    fresh,
    open_experiment,
    open_report,
    opened,
    run_row,
    unfold,
)
from browser import served as serve
from finished import FEW, finished
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

pytestmark = pytest.mark.slow
expect.set_options(timeout=PATIENCE)
SMALL = [*FEW, "horizons=[7,30]", "models@baselines=[base_rate,trail]", "refits=1"]
#: what MLflow's own pages complain of
THEIRS = ("users/current", "ResizeObserver loop")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened() as started:
        yield started


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Two runs, of `logit` and of `core`, and the address of their MLflow."""
    chromium()  # a skip need not wait for runs
    home = tmp_path_factory.mktemp("home")
    runs = {
        "logit": finished(home, *SMALL),
        "core": finished(home, *SMALL, "models=[core]", name="second"),
    }
    with serve(home) as address:
        yield SimpleNamespace(address=address, runs=runs)


@pytest.fixture
def page(browser: Browser, served: SimpleNamespace) -> Iterator[Page]:
    """The experiment, opened; nothing may go wrong or be asked of others."""
    page, troubles = fresh(browser), []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            troubles.append(f"{message.text} {message.location}")

    def asked(request: Request) -> None:
        if request.url.startswith("http") and served.address not in request.url:
            troubles.append(request.url)

    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", note)
    page.on("request", asked)
    open_experiment(page, served.address, "built_in")
    yield page
    page.close()
    assert [t for t in troubles if not any(known in t for known in THEIRS)] == []


def brier(folder: Path, model: str) -> float:
    """Brier score at 30 days over all test rows, from the folder of the run."""
    whole = pl.read_csv(folder / "metrics.csv", infer_schema_length=None).filter(
        model=model, horizon=30, stratum="all", metric="brier"
    )
    return float(whole["value"].item())


def test_two_models_are_compared(page: Page, served: SimpleNamespace) -> None:
    for run, model in (("first", "logit"), ("second", "core")):
        unfold(page, run)
        run_row(page, model).get_by_label(BOX).check()
    compare(page)
    expect(page.get_by_text("Comparing 2 Runs from 1 Experiment")).to_be_visible()
    for name in ("model.name", "model._target_"):
        row = page.get_by_role("row").filter(has=page.get_by_text(name, exact=True))
        for model in served.runs:
            expect(row).to_contain_text(model)
    expect(page.get_by_text("world.conflicts", exact=True)).to_have_count(0)

    values = page.get_by_role("grid").filter(has_text="0.")
    values.hover()
    link = page.get_by_role("link", name="brier_30d", exact=True)
    while not link.count():
        page.mouse.wheel(0, 150)
        page.wait_for_timeout(50)
    # by the key: the grid still glides, and a click may fall beside the link
    link.press("Enter")
    expect(page.get_by_role("heading", name="brier_30d").first).to_be_visible()
    for model, folder in served.runs.items():
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=model))
        expect(row).to_contain_text(f"{brier(folder, model)} (step=0)")


def test_charts_of_a_metric_are_drawn(page: Page, served: SimpleNamespace) -> None:
    chart(page, "^(fold/)?brier_30d$")
    cards = page.get_by_test_id("experiment-view-compare-runs-card")
    bars = cards.filter(has=page.get_by_title("brier_30d", exact=True))
    for model, folder in served.runs.items():
        expect(bars).to_contain_text(folder.name)
        expect(bars).to_contain_text(f"{brier(folder, model):.2f}")
    assert bars.locator("svg .bars path").count() >= len(served.runs)
    curves = cards.filter(has=page.get_by_title("fold/brier_30d", exact=True))
    expect(curves.locator("svg path.js-line").first).to_be_attached()


def test_a_report_opens_among_the_artifacts(
    page: Page, served: SimpleNamespace
) -> None:
    report = open_report(page, "first")
    account = json.loads((served.runs["logit"] / "run.json").read_text())
    expect(report.get_by_role("heading", level=1)).to_contain_text("How likely is")
    expect(report.get_by_text(account["question"])).to_be_visible()
    expect(report.locator("svg").first).to_be_visible()
