"""The table of real files in data/README.md is what the loaders make of them."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from forecast.events.ged import ged
from forecast.events.icews import icews
from forecast.events.icews_relations import icews_relations
from forecast.raw import read
from forecast.schema import Loaded
from forecast.truces.ethprio import ethprio
from forecast.truces.pax import pax
from forecast.truces.ucdp_agreements import ucdp_agreements

ROOT = Path(__file__).parent.parent
LOADERS: dict[str, Callable[[Path], Loaded[Any]]] = {
    "ucdp_ged": ged,
    "ethprio": ethprio,
    "ucdp_peace_agreements": ucdp_agreements,
    "pax": pax,
    "icews/events": icews,
    "icews/icews": icews_relations,
}
NO_RECORDS = "names of dyads for `ethprio`"


def row(data: Path, path: Path) -> str:
    """Line of the table for one file."""
    name = str(path.relative_to(data))
    loaders = [f for prefix, f in LOADERS.items() if name.startswith(prefix)]
    if not loaders:
        n = read(path, ("dyad_id", "side_a", "side_b")).read
        return f"| `{name}` | {n:,} | {n:,} | 0 | 0 | {NO_RECORDS} |"
    loaded = partial(loaders[0])(path)
    left_out = "; ".join(
        f"{n:,} {reason}" for _, reason, n in loaded.left_out.rows() if n
    )
    total = loaded.left_out["n"].sum()
    made = f"{loaded.frame.height:,} {'events' if loaded.covered_through else 'truces'}"
    what = f"{made}; left out: {left_out}" if total else made
    cells = (loaded.read, loaded.accepted, total, loaded.rejected.height)
    return f"| `{name}` | " + " | ".join(f"{n:,}" for n in cells) + f" | {what} |"


def files(data: Path) -> list[Path]:
    found = (p for p in data.rglob("*") if p.suffix in (".csv", ".gz"))
    return sorted(found)


def test_every_real_file_is_in_the_table(shared: Path) -> None:
    data = shared / "data"
    table = re.findall(
        r"^\| `[^`]+\.(?:csv|gz)` .*\|$", (ROOT / "data/README.md").read_text(), re.M
    )
    assert [row(data, path) for path in files(data)] == table


def test_every_account_is_whole(shared: Path) -> None:
    for path in files(shared / "data"):
        name = str(path.relative_to(shared / "data"))
        for prefix, loader in LOADERS.items():
            if name.startswith(prefix):
                loaded = loader(path)
                out = loaded.left_out["n"].sum()
                assert loaded.read == loaded.accepted + out + loaded.rejected.height


if __name__ == "__main__":
    import sys

    for path in files(Path(sys.argv[1])):
        print(row(Path(sys.argv[1]), path))
