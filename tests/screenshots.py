"""Pictures in docs/img of MLflow and of the founding case, by `make screenshots`.

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
#: of the section of a truce, where the picture begins and ends
PARTS = ("h3", ".pair")


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


def case(home: Path) -> None:
    """Take the picture of the README: the truce of the founding case, and why."""
    out = home / "case"
    words = ["truces=syria_2016", "events=syria_2016", "as_of=2016-04-07"]
    words += ["model=reference", f"out={out}"]
    subprocess.run([sys.executable, "-m", "forecast", "score", *words], check=True)
    with opened() as browser:
        page = fresh(browser, WIDTH)
        page.goto((out / "report.html").as_uri())
        boxes = [page.locator(f"#truce-1 {part}").bounding_box() for part in PARTS]
        first, last = (box for box in boxes if box)
        top, bottom = first["y"] - 20, last["y"] + last["height"] + 20
        page.screenshot(
            path=IMAGES / "syria.png",
            full_page=True,
            clip={"x": 60, "y": top, "width": WIDTH - 120, "height": bottom - top},
        )


def write(page: Page, name: str, height: int) -> None:
    """Write what a page shows once it has come to rest."""
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.mouse.move(0, 0)
    page.wait_for_timeout(1_500)
    page.screenshot(path=IMAGES / f"mlflow_{name}.png")
    page.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        os.environ["FORECAST_HOME"] = made
        case(Path(made))
        if len(sys.argv) > 1:
            shoot(Path(sys.argv[1]))
            sys.exit()
        words = ["run", "-m", f"experiments={EXPERIMENT}", LEFT_OUT]
        subprocess.run([sys.executable, "-m", "forecast", *words], check=True)
        shoot(Path(made))
