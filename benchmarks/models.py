"""How long every family of models takes to fit and to predict, and in what memory.

    python benchmarks/models.py [--rows 3000 300000] [--models logit core] [--limit 600]

Prints a row for each family in `conf/models` and number of origins: seconds to fit all
horizons on all origins, seconds to predict the risk of each of them, the seconds of
processors that each of the two took (fewer: the machine was busy with other things;
more: the family uses several cores), and the peak memory of the process, imports (some
200 MiB) among it. 3 thousand
origins are what there is of civil-war truces; 300 thousand are a hundred times as many.

The origins are drawn with replacement from those of the built-in world, with the
features of a run on it; every number but zeros is moved by a tenth or so, so that no
two rows are alike, for distinct rows are predicted once. Each family runs in a process
of its own, on one thread where it fits linear algebra or trees by horizon. One that
takes longer than the limit, or dies, gets its reason in place of its figures.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

CONF = Path(__file__).resolve().parents[1] / "conf"
FAMILIES = sorted(path.stem for path in (CONF / "models").glob("*.yaml"))
HORIZONS = [7, 14, 30, 90]
OUTCOME = ["event", "duration"]
#: what models that choose split their training by
ROWS = ["truce_id", "origin", "dyad_id"]
#: seconds that are measured
STEPS = ("fit", "predict", "fit CPU", "predict CPU")


def origins(conflicts: int = 30, years: int = 10) -> pl.DataFrame:
    """Features and outcomes of the built-in world, as a run computes them."""
    from hydra import compose, initialize_config_dir
    from hydra.utils import instantiate

    from forecast.collapse import resumption
    from forecast.features import KEYS, compute
    from forecast.link import link, linked
    from forecast.panel import panel
    from forecast.simulated import world

    made = world(1, conflicts, years)
    rows, _ = panel(made.truces, made.events, made.covered_through, resumption)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        features = instantiate(compose("run")["features"])
    coded = linked(made.events, link(made.truces, made.events))
    found = compute(features, rows, coded, made.truces).drop(KEYS)
    return found.hstack(rows.select(*ROWS, *OUTCOME))


def drawn(rows: pl.DataFrame, n: int, seed: int = 1) -> pl.DataFrame:
    """As many rows with replacement, each number of a feature moved by some tenth."""
    rng = np.random.default_rng(seed)
    found = rows[rng.integers(0, rows.height, n)]
    numbers = [
        name
        for name, kind in found.schema.items()
        if kind.is_numeric() and name not in OUTCOME
    ]
    return found.with_columns(
        pl.col(name) * pl.Series(np.exp(0.1 * rng.normal(size=n))) for name in numbers
    )


def build(name: str) -> Any:
    """The family, as its YAML file has it."""
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    config = OmegaConf.load(CONF / "models" / f"{name}.yaml")[name]
    return instantiate(config, horizons=HORIZONS, random_state=1)


@contextmanager
def timed(step: str, said: dict[str, float]) -> Iterator[None]:
    """Note the seconds of a step by the clock, and those of processors."""
    print(step, flush=True)
    began, busy = time.perf_counter(), time.process_time()
    yield
    said[step] = time.perf_counter() - began
    said[f"{step} CPU"] = time.process_time() - busy


def child(name: str, path: Path) -> None:
    """Fit and predict one family, and say how long each took."""
    from forecast.ipcw import target
    from forecast.models.given import fit

    rows = pl.read_parquet(path)
    X, y = rows.drop(ROWS, OUTCOME), target(rows["event"], rows["duration"])
    keys = rows.select(ROWS)
    # libraries import half of themselves when they are first used
    some = min(500, len(y))
    fit(build(name), X.head(some), y[:some], keys.head(some)).predict_risk(X.head(some))
    said: dict[str, float] = {}
    with timed("fit", said):
        model = fit(build(name), X, y, keys)
    with timed("predict", said):
        model.predict_risk(X)
    said["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(said))


def measured(name: str, path: Path, limit: float) -> str:
    """What the table says of a family: its figures, or why there are none."""
    command = [sys.executable, __file__, "--child", name, "--path", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired as late:
        steps = (late.stdout or b"").decode().split()
        return f"stopped after {limit:g} s, still at {(steps or ['start'])[-1]}"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["killed, for lack of memory?"])[-1]
        return f"failed: {last}"
    said = json.loads(done.stdout.splitlines()[-1])
    seconds = " ".join(f"{said[key]:11.2f}" for key in STEPS)
    return f"{seconds} {said['peak']:9.0f}"


def main() -> None:
    """Draw the origins and measure all families, or be one of the children."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--child", choices=FAMILIES)
    parser.add_argument("--path", type=Path)
    parser.add_argument("--rows", nargs="*", type=int, default=[3_000, 300_000])
    parser.add_argument("--models", nargs="*", choices=FAMILIES, default=FAMILIES)
    parser.add_argument("--limit", type=float, default=600)
    parser.add_argument("--world", nargs=2, type=int, default=[30, 10])
    given = parser.parse_args()
    if given.child:
        child(given.child, given.path)
        return
    world = origins(*given.world)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "origins.parquet")
        for n in given.rows:
            drawn(world, n).write_parquet(path)
            print(f"{n:,} origins, {world.width - len([*ROWS, *OUTCOME])} features")
            heads = " ".join(f"{key:>11}" for key in STEPS)
            print(f"{'':16} {heads} {'peak MiB':>9}")
            for name in given.models:
                print(f"{name:16} {measured(name, path, given.limit)}", flush=True)


if __name__ == "__main__":
    main()
