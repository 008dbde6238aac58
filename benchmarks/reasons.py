"""How long reasons and intervals of risk scores take, and in what memory.

    python benchmarks/reasons.py [--truces 1000] [--models core logit] [--refits 50]

Prints a row a model: the groups of features that it sees; seconds for the exact reasons
of so many truces at four horizons, over all sets of these groups; seconds for the same
truces' intervals from so many refits (the model's own risk, as often); and the peak
memory of the process, imports (some 200 MiB) among it. The origins are drawn as in
`models.py`, no two alike, and none has a group as its reference has it: the worst case.
Each model runs in a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
from models import FAMILIES, HORIZONS, OUTCOME, ROWS, build, drawn, origins


def child(name: str, path: Path, truces: int, refits: int) -> None:
    """Fit one model on the world, tell the reasons of some rows, and say how long."""
    from forecast.explain.groups import grouped
    from forecast.explain.reasons import reasons
    from forecast.explain.typical import seen, typical
    from forecast.ipcw import target
    from forecast.models.given import fit
    from forecast.schema import Panel

    world = pl.read_parquet(path)
    whole = pl.col("age_days").round().clip(1).cast(pl.Int64)
    rows = drawn(world, truces, seed=2).with_columns(whole)
    X, y = world.drop(ROWS, OUTCOME), target(world["event"], world["duration"])
    model = fit(build(name), X, y, world.select(ROWS))
    own = seen(model, X.columns)
    means = typical(X.select(own), world["age_days"])
    start = pl.col("origin") - pl.duration(days="age_days")
    panel = Panel.validate(
        pl.DataFrame(
            {
                "truce_id": [f"t{n:05}" for n in range(truces)],
                "origin": rows["origin"],
                "conflict_id": "c",
                "dyad_id": rows["dyad_id"],
                "country": None,
                "start": rows.select(start).to_series(),
                "age_days": rows["age_days"],
                "level": 1.0,
                "threshold": 5.0,
                "event": 0,
                "duration": 1,
            }
        ),
        cast=True,
    )
    new = rows.drop(ROWS, OUTCOME)
    # libraries import half of themselves when they are first used
    reasons(name, model, means, panel.head(5), new.head(5), HORIZONS, "resumption")
    began = time.perf_counter()
    found = reasons(name, model, means, panel, new, HORIZONS, "resumption")
    said = {"reasons": time.perf_counter() - began}
    assert found.height == truces * len(HORIZONS) * found["group"].n_unique()
    began = time.perf_counter()
    for _ in range(refits):
        model.predict_risk(new)
    said["intervals"] = time.perf_counter() - began
    said["groups"] = len(grouped([c for c in own if not c.startswith("age_")]))
    said["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(said))


def main() -> None:
    """Draw the origins and measure the models, or be one of the children."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--child", choices=FAMILIES)
    parser.add_argument("--path", type=Path)
    parser.add_argument("--truces", type=int, default=1_000)
    parser.add_argument("--refits", type=int, default=50)
    parser.add_argument("--models", nargs="*", choices=FAMILIES, default=["core"])
    parser.add_argument("--world", nargs=2, type=int, default=[30, 10])
    given = parser.parse_args()
    if given.child:
        child(given.child, given.path, given.truces, given.refits)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "origins.parquet")
        origins(*given.world).write_parquet(path)
        print(
            f"{given.truces:,} truces, {len(HORIZONS)} horizons, {given.refits} refits"
        )
        heads = ("groups", "reasons s", "intervals s", "peak MiB")
        print(f"{'':16}" + "".join(f" {head:>11}" for head in heads))
        for name in given.models:
            words = [sys.executable, __file__, "--child", name, "--path", str(path)]
            words += ["--truces", str(given.truces), "--refits", str(given.refits)]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            said = json.loads(done.stdout)
            print(
                f"{name:16} {said['groups']:11} {said['reasons']:11.2f} "
                f"{said['intervals']:11.2f} {said['peak']:11.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
