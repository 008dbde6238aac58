"""How long the UCDP GED file takes to load, as it is and ten times its size.

    python benchmarks/load.py PATH/ged_global.csv.gz

Prints the median of five loads, in seconds, and the peak memory of the process.
"""

import gzip
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from forecast.events.ged import ged


def median_seconds(path: Path, runs: int = 5) -> float:
    """Median time of a load."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        ged(path)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> None:
    """Time the file, and ten copies of it with ids of their own."""
    path = Path(sys.argv[1])
    rows = pl.read_csv(path, infer_schema=False)
    with tempfile.TemporaryDirectory() as folder:
        tenfold = Path(folder, "tenfold.csv.gz")
        copies = (rows.with_columns(id=pl.col("id") + f"-{i}") for i in range(10))
        tenfold.write_bytes(gzip.compress(pl.concat(copies).write_csv().encode(), 1))
        for file, n in ((path, rows.height), (tenfold, 10 * rows.height)):
            print(f"{n:>9,} events  {median_seconds(file):.2f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main()
