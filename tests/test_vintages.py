"""Versions of events from releases of one data set."""

from datetime import date
from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from forecast.events.ged import ged
from forecast.panel import known
from forecast.vintages import versions

DAYS = [date(2019, 6, 1), date(2020, 6, 1), date(2021, 6, 1)]


def release(deaths: dict[str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"event_id": i, "deaths": n, "known_from": date(2020, 1, 2)}
            for i, n in deaths.items()
        ],
        schema={"event_id": pl.String, "deaths": pl.Int64, "known_from": pl.Date},
    ).with_columns(known_until=pl.lit(None, pl.Date))


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3), max_size=4),
        min_size=1,
        max_size=3,
    )
)
def test_each_morning_knows_the_latest_release(said: list[dict[str, int]]) -> None:
    releases = list(zip(DAYS, map(release, said), strict=False))
    laid, same = versions(releases)
    assert laid.height + same == sum(map(len, said))
    for morning in [date(2019, 7, 1), *DAYS, date(2030, 1, 1)]:
        current = laid.filter(
            (pl.col("known_from") <= morning)
            & (pl.col("known_until").is_null() | (pl.col("known_until") > morning))
        )
        expected: dict[str, int] = {}
        for day, deaths in zip(DAYS, said, strict=False):
            if day <= morning:
                expected |= deaths
        if morning < date(2020, 1, 2):  # no event is known before its own day
            expected = {}
        assert dict(current.select("event_id", "deaths").iter_rows()) == expected


def test_colombia_in_two_vintages(shared: Path) -> None:
    """The country file (19.1) and the global file (21.1): a real revision."""
    folder = shared / "data/ucdp_ged"
    old, new = folder / "country/col_v19_1.csv.gz", folder / "ged_global.csv.gz"
    both = ged([old, new], released=["2019-06-01", "2021-06-01"])
    alone = {p: ged(p).frame for p in (old, new)}
    out = both.left_out["n"].sum()
    assert both.read == both.accepted + both.rejected.height + out
    assert not both.frame.select("event_id", "known_from").is_duplicated().any()
    told_twice = alone[old].join(alone[new], on="event_id", suffix="_new")
    revised = told_twice.filter(pl.col("deaths") != pl.col("deaths_new"))
    assert revised.height > 0
    for event in revised.iter_rows(named=True):
        rows = both.frame.filter(pl.col("event_id") == event["event_id"])
        assert rows["deaths"].to_list() == [event["deaths"], event["deaths_new"]]
        assert rows["known_until"].to_list() == [date(2021, 6, 1), None]
    then = known(both.frame, date(2020, 1, 1))
    assert set(then["event_id"]) == set(alone[old]["event_id"])


def test_places_and_summaries_can_be_left_out(shared: Path) -> None:
    path = shared / "data/ucdp_ged/country/col_v19_1.csv.gz"
    whole = ged(path)
    strict = ged(path, max_where_prec=2, clear_only=True)
    assert strict.accepted < whole.accepted == strict.read
    assert strict.read == strict.accepted + strict.left_out["n"].sum()
    assert strict.covered_through == whole.covered_through
