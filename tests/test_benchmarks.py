"""The benchmark of windows runs, on a small world, and all its ways agree."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_ways_without_the_peers_packages_agree() -> None:
    """Agreement, not time: who is faster on a small world says nothing."""
    ways = ["ours", "polars", "by hand", "ours, 10% revised", "floor"]
    done = subprocess.run(
        [sys.executable, "benchmarks/windows.py", "--small", "--ways", *ways],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].endswith("4,000 events, 42 features")
    assert [line[:18].strip() for line in lines[2:-3]] == ways
    assert re.fullmatch(r"fastest peer polars, ratio \d+\.\d", lines[-1])
