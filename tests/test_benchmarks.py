"""The benchmarks run at a tiny size, and hold what they promise."""

import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

#: whole runs and measurements: for CI
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent


def printed(*words: str) -> list[str]:
    """Lines of a benchmark."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_ways_without_the_peers_packages_agree() -> None:
    """Agreement, not time: who is faster on a small world says nothing."""
    ways = ["ours", "polars", "by hand", "ours, 10% revised", "floor"]
    lines = printed("benchmarks/windows.py", "--small", "--ways", *ways)
    assert lines[0].endswith("4,000 events, 42 features")
    assert [line[:18].strip() for line in lines[2:-3]] == ways
    assert re.fullmatch(r"fastest peer polars, ratio \d+\.\d", lines[-1])


def test_coverage_of_intervals() -> None:
    """Every size and method at every horizon; wider where Student's t is taken."""
    lines = printed("benchmarks/coverage.py", "--small")
    assert lines[0].endswith(" origins of 24 dyads in 2 worlds")
    row = r" *(\d+)  (percentile|student t|BCa) +([\d.]+)% +([\d.]+)% +([\d.]+)%"
    found = [match.groups() for match in map(re.compile(row).fullmatch, lines) if match]
    assert len(found) == 3 * 2 * 3
    for plain, wide, _ in zip(*[iter(found)] * 3, strict=True):
        assert plain[0] == wide[0]
        assert (plain[1], wide[1]) == ("percentile", "student t")
        assert float(plain[2]) <= float(wide[2]) <= 100
        assert float(plain[4]) < float(wide[4])
    # of ten studies
    for _, _, holds, error, _ in found:
        share = float(holds) / 100
        assert abs(float(error) / 100 - (share * (1 - share) / 10) ** 0.5) < 1e-3


def test_a_bca_interval_is_that_of_scipy() -> None:
    """The same quantiles of the same draws, for a ratio of sums."""
    code = """
import numpy as np
from scipy.stats import bootstrap
from coverage import intervals
rng = np.random.default_rng(4)
ours, theirs = rng.gamma(1, 2, 25), rng.gamma(2, 2, 25)
counts = rng.multinomial(25, np.full(25, 1 / 25), 20_000)
found = intervals(ours, theirs, counts)["BCa"]
scipy = bootstrap(
    (ours, theirs), lambda a, b, axis=-1: 1 - a.sum(axis) / b.sum(axis), paired=True,
    confidence_level=0.9, n_resamples=20_000, vectorized=True, rng=5,
).confidence_interval
print(*found, *scipy)
"""
    (line,) = printed("-c", f"import sys; sys.path.insert(0, 'benchmarks')\n{code}")
    low, high, lower, upper = map(float, line.split())
    assert abs(low - lower) < 0.02
    assert abs(high - upper) < 0.02


def test_every_family_of_models_is_timed() -> None:
    """At a tiny size, each with five figures; one stopped by the limit says so."""
    small = ["--rows", "300", "--world", "6", "5"]
    quick = ["base_rate", "core", "elastic_net", "trail"]
    lines = printed("benchmarks/models.py", *small, "--models", *quick)
    assert re.fullmatch(r"300 origins, \d+ features", lines[0])
    assert [line[:16].strip() for line in lines[2:]] == quick
    for line in lines[2:]:
        *seconds, peak = map(float, line[16:].split())
        assert len(seconds) == 4
        assert min(seconds) >= 0
        assert peak > 50
    *_, late = printed(
        "benchmarks/models.py", *small, "--models", "trees", "--limit", "0.01"
    )
    assert late.split(maxsplit=1) == ["trees", "stopped after 0.01 s, still at start"]


def test_reasons_are_timed() -> None:
    words = ["--truces", "20", "--refits", "2", "--world", "6", "5"]
    *_, row = printed("benchmarks/reasons.py", *words)
    assert re.fullmatch(r"core +3 +\d+\.\d\d +\d+\.\d\d +\d+", row)


def test_rows_that_are_drawn_differ_and_keep_their_zeros() -> None:
    code = """
import polars as pl
from models import FAMILIES, drawn
world = pl.DataFrame({"a": [0, 2, None], "b": [True, None, False], "event": [0, 1, 2],
    "duration": [5, 6, 7]})
found = drawn(world, 500)
again = drawn(world, 500)
assert found.equals(again)
assert found["event"].n_unique() == 3 and found["duration"].max() == 7
told = found.filter(pl.col("event") == 1)["a"]
assert told.n_unique() == told.len() and 1.8 < told.median() < 2.2
assert found.filter(pl.col("event") == 0)["a"].unique().to_list() == [0]
assert found.filter(pl.col("event") == 2)["a"].null_count() > 100
assert found["b"].dtype == pl.Boolean
print(*FAMILIES)
"""
    (line,) = printed("-c", f"import sys; sys.path.insert(0, 'benchmarks')\n{code}")
    models = (ROOT / "conf" / "models").glob("*.yaml")
    assert line.split() == sorted(path.stem for path in models)


def test_worlds_have_a_row_a_horizon() -> None:
    lines = printed("benchmarks/worlds.py", "--small", "--kinds", "null", "rich")
    sizes = (
        r"\d+ truces and \d+ origins to fit on; \d+ truces and \d+ origins to test on"
    )
    told = [line for line in lines if re.search(sizes, line)]
    assert [line.split(":")[0] for line in told] == ["null", "rich"]
    rows = [
        [cell.strip() for cell in line.strip("│").split("┆")]
        for line in lines
        if line.startswith("│")
    ]
    names = ["horizon", "prevalence", "base_rate", "age", "trail", "ewma", "truth"]
    assert rows[0] == rows[5] == [*names, "gain"]
    for start in (1, 6):
        table = [[float(cell) for cell in row] for row in rows[start : start + 4]]
        horizons, prevalence, *scores = zip(*table, strict=True)
        assert horizons == (7, 14, 30, 90)
        assert sorted(prevalence) == list(prevalence)
        assert all(0 <= score <= 1 for row in scores[:-1] for score in row)


@pytest.mark.slow
def test_learning_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    words = ["--small", "--kinds", "rich", "--truces", "50", "--workers", "1"]
    words += ["--models", "core", "--seeds", "1"]
    first = printed("benchmarks/learning.py", str(out), *words)
    scores = pl.read_csv(out)
    assert set(scores["model"]) == {"core", "trail", "truth"}
    assert scores.height == 3 * 4
    written = out.stat().st_mtime_ns
    assert printed("benchmarks/learning.py", str(out), *words) == first
    assert out.stat().st_mtime_ns == written, "nothing was left to do"
    printed("benchmarks/learning.py", str(out), *words[:-1], "2")
    assert pl.read_csv(out)["seed"].n_unique() == 2


def test_models_move_risks_the_way_the_world_was_made() -> None:
    """Up with attacks and threats, down with talks and age, once they are learned."""
    signs = {"strike": 1, "offensive": 1, "outsiders": 1, "threat": 1, "answers": 1}
    signs |= {"talks": -1, "age": -1}
    words = ["--truces", "100", "--seeds", "1", "--conflicts", "20"]
    _, head, *rows = printed("benchmarks/signs.py", *words, "--models", "core,hazard")
    assert head.split() == list(signs)
    cells = {row.split()[0]: re.findall(r"(\S+) \((\d+)\)", row) for row in rows}
    found = {name: dict(zip(signs, of, strict=True)) for name, of in cells.items()}
    for driver, (points, right) in found["hazard"].items():
        # it has no column of who answers whom
        if driver == "answers":
            assert (float(points), right) == (0, "0")
        else:
            assert float(points) * signs[driver] > 0.5
            assert right == "100"
    # and this one sees attacks of the parties and age alone
    blind = {driver for driver, (_, right) in found["core"].items() if right == "0"}
    assert blind == {"outsiders", "threat", "answers", "talks"}


def test_coverage_of_planted_effects() -> None:
    lines = printed("benchmarks/hazard_coverage.py", "--seeds=3", "--dyads=60")
    assert "pooled" in "\n".join(lines)


def test_coverage_of_the_true_risk_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    out, table = tmp_path / "held.csv", tmp_path / "table.csv"
    words = ["--small", "--kinds", "null", "--models", "core", "--workers", "1"]
    words += ["--refits", "2", "5", "--table", str(table), "--seeds"]
    printed("benchmarks/intervals.py", str(out), *words, "1")
    first = pl.read_csv(out)
    assert first["horizon"].to_list() == 2 * [7, 14, 30, 90]
    assert first["refits"].to_list() == 4 * [2] + 4 * [5]
    # below 19 refits an interval is that of the outermost, and more lie further out
    few, more = (first.filter(pl.col("refits") == n) for n in (2, 5))
    for column in ("coverage", "width"):
        assert (few[column] <= more[column]).all()
    printed("benchmarks/intervals.py", str(out), *words, "2")
    both = pl.read_csv(out)
    assert both.filter(pl.col("seed") == 1).equals(first)
    said = pl.read_csv(table)
    assert said.height == 8
    assert set(said["seeds"]) == {2}
    mean = both.group_by("refits", "horizon").agg(pl.col("coverage").mean())
    both = said.join(mean, on=["refits", "horizon"], suffix="_found")
    assert (both["coverage"] - both["coverage_found"]).abs().max() < 6e-4
