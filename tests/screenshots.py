"""Pictures of MLflow in docs/img, made anew by `make screenshots`.

The runs are those of docs/experiments.md, made in a folder that is dropped afterwards,
or, with a first argument, those of the project's home that it names.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from browser import (
    BOX,
    columns,
    compare,
    fresh,
    open_experiment,
    open_report,
    opened,
    run_row,
    served,
    unfold,
)
from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "img"
EXPERIMENT = "families"
LEFT_OUT = "leave_out=[],[recent],[kinds,talks],[outsiders]"
RUNS = ["0_leave_out", "1_leave_out-recent"]
WIDTH = 1200


def shoot(home: Path) -> None:
    """Take the pictures of the newest sweep in a home."""
    name = max(path.name for path in (home / "outputs" / EXPERIMENT).glob("*/"))
    with opened() as browser, served(home) as address:

        def at_the_runs() -> Page:
            page = fresh(browser, WIDTH)
            open_experiment(page, address, EXPERIMENT)
            unfold(page, name)
            return page

        page = at_the_runs()
        columns(page, "Dataset", "Source", "Models", "brier_30d", "skill_30d")
        write(page, "runs", 530)
        page = at_the_runs()
        for run in RUNS:
            run_row(page, run).get_by_label(BOX).check()
        compare(page)
        page.get_by_text("Visualizations").click()
        write(page, "compare", 1060)
        page = at_the_runs()
        open_report(page, RUNS[0]).get_by_role("heading", level=1).wait_for()
        write(page, "report", 1160)


def write(page: Page, name: str, height: int) -> None:
    """Write what a page shows once it has come to rest."""
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.mouse.move(0, 0)
    page.wait_for_timeout(1_500)
    page.screenshot(path=IMAGES / f"mlflow_{name}.png")
    page.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        shoot(Path(sys.argv[1]))
        sys.exit()
    with tempfile.TemporaryDirectory() as made:
        os.environ["FORECAST_HOME"] = made
        words = ["run", "-m", f"experiments={EXPERIMENT}", LEFT_OUT]
        subprocess.run([sys.executable, "-m", "forecast", *words], check=True)
        shoot(Path(made))
