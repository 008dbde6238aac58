"""Trailing features by our engine and by what a user could pick instead.

    make bench

Six channels over seven windows for 1,500 dyads, 12,000 days, 400 thousand events and a
million origins, each way in a process of its own. Seconds are those from frames in
memory to frames in memory, the fastest of five runs (of one for mlforecast and pandas);
reading and imports are not in them (each has run once on a small world before). Peak
memory is that of the process until then. All must agree to the last digit: each process
returns a digest of its 42 columns.

Every peer goes the fastest of the ways that were tried. "by hand" is no peer: it is the
idea of the engine written out in Polars, which serves where no event is revised.
"""

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

CHANNELS = [f"c{i}" for i in range(6)]
WINDOWS = [1, 3, 7, 14, 30, 60, 90]
COLUMNS = [f"{c}_{w}d" for w in WINDOWS for c in CHANNELS]
KEY = ["truce_id", "origin"]
#: dyads, days, events
FULL, SMALL = (1_500, 12_000, 400_000), (15, 3_000, 4_000)


def make(folder: Path, dyads: int, days: int, events: int, seed: int = 1) -> None:
    """Write events in bursts, and weekly origins over two fifths of the days."""
    rng = np.random.default_rng(seed)
    zero = np.datetime64("1980-01-01", "D")
    names = np.array([f"dyad-{i:05d}" for i in range(dyads)])
    bursts = rng.integers(0, days, (dyads, 40))
    which = rng.integers(0, dyads, events)
    centre = bursts[which, rng.integers(0, 40, events)]
    day = np.clip(centre + rng.geometric(0.05, events), 0, days - 1)
    frame = pl.DataFrame(
        {"truce_id": names[which], "day": zero + day}
        | {c: rng.poisson(1 + i, events) for i, c in enumerate(CHANNELS)}
    )
    frame.with_columns(
        known_from=pl.col("day").dt.offset_by("1d"), known_until=pl.lit(None, pl.Date)
    ).write_parquet(folder / "events.parquet")
    weeks = days * 389 // 7000
    first = rng.integers(120, days - 7 * weeks, dyads)
    origin = first[:, None] + 7 * np.arange(weeks)
    pl.DataFrame(
        {"truce_id": np.repeat(names, weeks), "origin": zero + origin.ravel()}
    ).write_parquet(folder / "origins.parquet")


def read(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Origins and events."""
    origins, events = (
        pl.read_parquet(folder / f"{name}.parquet") for name in ("origins", "events")
    )
    return origins, events


def ours(folder: Path) -> Callable[[], pl.DataFrame]:
    """The engine under the features."""
    from forecast.windows import trailing

    origins, events = read(folder)
    values = {c: pl.col(c) for c in CHANNELS}
    return lambda: trailing(origins, events, values, WINDOWS)


def ours_revised(folder: Path) -> Callable[[], pl.DataFrame]:
    """The same where a tenth of the events come late or are replaced."""
    from forecast.windows import trailing

    origins, events = read(folder)
    tenth = pl.int_range(pl.len()) % 10 == 0
    revised = events.with_columns(
        known_from=pl.when(tenth)
        .then(pl.col("day").dt.offset_by("20d"))
        .otherwise("known_from"),
        known_until=pl.when(tenth).then(pl.col("day").dt.offset_by("200d")),
    )
    values = {c: pl.col(c) for c in CHANNELS}
    return lambda: trailing(origins, revised, values, WINDOWS)


def polars(folder: Path) -> Callable[[], pl.DataFrame]:
    """Rolling groups of days over events and origins in one frame."""
    origins, events = read(folder)

    def run() -> pl.DataFrame:
        days = events.group_by("truce_id", "day").agg(pl.col(CHANNELS).sum())
        asked = origins.select(
            "truce_id",
            pl.col("origin").alias("day"),
            *(pl.lit(0, pl.Int64).alias(c) for c in CHANNELS),
            asked=pl.lit(True),
        )
        both = (
            pl.concat([days.with_columns(asked=pl.lit(False)), asked])
            .with_columns(dyad=pl.col("truce_id").cast(pl.Categorical).to_physical())
            .sort("dyad", "day")
        )
        found = [both.select("truce_id", pl.col("day").alias("origin"), "asked")]
        for w in WINDOWS:
            groups = both.rolling("day", period=f"{w}d", closed="left", group_by="dyad")
            sums = groups.agg(pl.col(CHANNELS).sum().name.suffix(f"_{w}d"))
            found.append(sums.drop("dyad", "day"))
        return pl.concat(found, how="horizontal").filter("asked").drop("asked")

    return run


def by_hand(folder: Path) -> Callable[[], pl.DataFrame]:
    """Prefix sums and as-of joins, as one who knows the idea writes them."""
    origins, events = read(folder)

    def run() -> pl.DataFrame:
        totals = (
            events.group_by("truce_id", "day")
            .agg(pl.col(CHANNELS).sum())
            .sort("truce_id", "day")
            .with_columns(pl.col(CHANNELS).cum_sum().over("truce_id"))
        )

        def before(window: int) -> pl.DataFrame:
            last = pl.col("origin").dt.offset_by(f"-{window + 1}d").alias("day")
            return (
                origins.select("truce_id", last)
                .join_asof(totals, on="day", by="truce_id", check_sortedness=False)
                .select(pl.col(CHANNELS).fill_null(0))
            )

        whole, found = before(0), origins
        for w in WINDOWS:
            sums = whole - before(w)
            found = found.hstack(sums.rename({c: f"{c}_{w}d" for c in CHANNELS}))
        return found

    return run


def duckdb(folder: Path) -> Callable[[], pl.DataFrame]:
    """Prefix sums, and an ASOF join for each end of a window."""
    import duckdb

    base = duckdb.connect()
    for name in ("origins", "events"):
        path = folder / f"{name}.parquet"
        base.execute(f"CREATE TABLE {name} AS FROM '{path}'")
    daily = ", ".join(f"sum({c}) AS {c}" for c in CHANNELS)
    total = ", ".join(f"CAST(sum({c}) OVER w AS BIGINT) AS {c}" for c in CHANNELS)
    values = ", ".join(f"coalesce({c}, 0) AS {c}" for c in CHANNELS)
    prepare = (
        "CREATE TEMP TABLE ids AS SELECT truce_id, row_number() OVER () AS id "
        "FROM (SELECT DISTINCT truce_id FROM origins);"
        "CREATE TEMP TABLE asked AS SELECT id, origin, row_number() OVER () AS row "
        "FROM origins JOIN ids USING (truce_id) ORDER BY truce_id, origin;"
        f"CREATE TEMP TABLE totals AS SELECT id, day, {total} FROM (SELECT id, day, "
        f"{daily} FROM events JOIN ids USING (truce_id) GROUP BY ALL) "
        "WINDOW w AS (PARTITION BY id ORDER BY day);"
    )

    def before(window: int) -> pl.DataFrame:
        return base.sql(
            f"SELECT {values} FROM asked ASOF LEFT JOIN totals ON asked.id = totals.id "
            f"AND totals.day < asked.origin - {window} ORDER BY row"
        ).pl()

    def run() -> pl.DataFrame:
        base.execute(prepare)
        keys = "SELECT truce_id, origin FROM asked JOIN ids USING (id) ORDER BY row"
        whole, found = before(0), base.sql(keys).pl()
        for w in WINDOWS:
            sums = whole - before(w)
            found = found.hstack(sums.rename({c: f"{c}_{w}d" for c in CHANNELS}))
        return found

    return run


def pandas(folder: Path) -> Callable[[], pl.DataFrame]:
    """Rolling sums by day in each group, over events and origins in one frame."""
    import pandas as pd

    origins, events = (frame.to_pandas() for frame in read(folder))

    def run() -> pl.DataFrame:
        days = events.groupby(["truce_id", "day"], as_index=False)[CHANNELS].sum()
        asked = origins.rename(columns={"origin": "day"})
        both = pd.concat(
            [
                days.assign(asked=False),
                asked.assign(asked=True, **dict.fromkeys(CHANNELS, 0)),
            ]
        )
        both["truce_id"] = both["truce_id"].astype("category")
        both = both.sort_values(["truce_id", "day"], ignore_index=True)
        grouped = both.groupby("truce_id", observed=True)
        rows = both["asked"].to_numpy()
        found = both.loc[rows, ["truce_id", "day"]].rename(columns={"day": "origin"})
        for w in WINDOWS:
            sums = grouped.rolling(f"{w}D", on="day", closed="left", min_periods=0)
            sums = sums[CHANNELS].sum().to_numpy()[rows].astype("int64")
            found[[f"{c}_{w}d" for c in CHANNELS]] = sums
        table = pl.from_pandas(found)
        return table.with_columns(pl.col("truce_id").cast(pl.String))

    return run


def mlforecast(folder: Path) -> Callable[[], pl.DataFrame]:
    """Lag transforms over a dense daily series a dyad and channel.

    It has means and no sums. Dyads are numbers: with names it takes longer.
    """
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean

    origins, events = read(folder)
    first, last = events["day"].min(), origins["origin"].max()
    means = {1: [RollingMean(w, min_samples=1) for w in WINDOWS]}
    made = [f"rolling_mean_lag1_window_size{w}_min_samples1" for w in WINDOWS]

    def run() -> pl.DataFrame:
        dyads = origins.select(pl.col("truce_id").unique().sort()).with_row_index("id")
        grid = dyads.join(pl.select(day=pl.date_range(first, last, "1d")), how="cross")
        daily = events.group_by("truce_id", "day").agg(pl.col(CHANNELS).sum())
        dense = grid.join(
            daily, on=["truce_id", "day"], how="left", maintain_order="left"
        ).with_columns(pl.col(CHANNELS).fill_null(0).cast(pl.Float64))
        places = dense.select("truce_id", origin="day").with_row_index("row")
        rows = origins.join(places, on=KEY, maintain_order="left")["row"]
        found = origins
        # a channel at a time: all at once would take six times the memory
        for c in CHANNELS:
            engine = MLForecast(models=[], freq="1d", lag_transforms=means)
            lagged = engine.preprocess(
                dense.select("id", "day", c),
                id_col="id",
                time_col="day",
                target_col=c,
                dropna=False,
                static_features=[],
            )[rows]
            found = found.hstack(
                lagged.select(
                    (pl.col(mean) * w).round().cast(pl.Int64).alias(f"{c}_{w}d")
                    for w, mean in zip(WINDOWS, made, strict=True)
                )
            )
        return found

    return run


def floor(folder: Path) -> Callable[[], pl.DataFrame]:
    """A bare scan and sort of the events: less than this no engine can do."""
    path = folder / "events.parquet"
    return lambda: pl.scan_parquet(path).sort("truce_id", "day").collect()


WAYS: dict[str, Callable[[Path], Callable[[], pl.DataFrame]]] = {
    "ours": ours,
    "duckdb": duckdb,
    "polars": polars,
    "mlforecast": mlforecast,
    "pandas": pandas,
    "by hand": by_hand,
    "ours, 10% revised": ours_revised,
    "floor": floor,
}
PEERS = ("duckdb", "polars", "mlforecast", "pandas")


def digest(found: pl.DataFrame) -> str:
    """Digest of the columns, the origins in order."""
    whole = hashlib.sha256()
    ordered = found.sort(KEY)
    for column in COLUMNS:
        whole.update(ordered[column].cast(pl.Int64).to_numpy().tobytes())
    return whole.hexdigest()


def child(name: str, folder: Path) -> dict[str, Any]:
    """Do it one way, and say how long it took and what came out."""
    # libraries import half of themselves when they are first used
    with tempfile.TemporaryDirectory() as small:
        make(Path(small), *SMALL)
        WAYS[name](Path(small))()
    run = WAYS[name](folder)
    began = time.perf_counter()
    found = run()
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    said = "" if name == "floor" else digest(found)
    return {"seconds": seconds, "peak": peak, "digest": said}


def measured(name: str, folder: Path, repeats: int) -> dict[str, Any]:
    """Run a way in processes of its own; the one that was disturbed least."""
    command = [sys.executable, __file__, "--child", name, "--folder", str(folder)]
    runs = []
    for _ in range(repeats):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return min(runs, key=lambda run: float(run["seconds"]))


def compare(folder: Path, ways: list[str], repeats: int) -> None:
    """Measure all ways, assert that they agree, and print the table."""
    found = {}
    for name in ways:
        slow = name in ("mlforecast", "pandas")
        found[name] = measured(name, folder, 1 if slow else repeats)
    same = {found[n]["digest"] for n in ways if n in ("ours", "by hand", *PEERS)}
    assert len(same) == 1, f"the ways do not agree: {found}"
    own = found["ours"]["seconds"]
    print(f"{'':18} {'seconds':>9} {'peak MiB':>9} {'to ours':>8}")
    for name, run in found.items():
        ratio = run["seconds"] / own
        print(f"{name:18} {run['seconds']:9.2f} {run['peak']:9.0f} {ratio:8.2f}")
    peers = [name for name in ways if name in PEERS]
    leanest = min(peers, key=lambda name: found[name]["peak"])
    lean = found["ours"]["peak"] / found[leanest]["peak"]
    print(f"ours to the floor {own / found['floor']['seconds']:.1f}")
    print(f"leanest peer {leanest}, our peak is {lean:.2f} of its")
    fastest = min(peers, key=lambda name: found[name]["seconds"])
    print(f"fastest peer {fastest}, ratio {found[fastest]['seconds'] / own:.1f}")


def main() -> None:
    """Make the data and compare, or be one of the children."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--child", choices=WAYS)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--ways", nargs="*", default=list(WAYS))
    given = parser.parse_args()
    if given.child:
        print(json.dumps(child(given.child, given.folder)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make(folder, *(SMALL if given.small else FULL))
        origins, events = read(folder)
        print(f"{origins.height:,} origins, {events.height:,} events, 42 features")
        compare(folder, given.ways, 1 if given.small else 5)


if __name__ == "__main__":
    main()
