"""Releases of one data set, laid into versions of its events.

Data sets are revised: an event of the 2019 release may have other deaths in that of
2021. Each release is a state of knowledge from its own day on, so that what a forecast
used can be told from what was found out later (Hegre, Croicu, Eck & Högbladh 2020,
Research & Politics 7(3)).
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

CLOCK = ("known_from", "known_until")


def versions(
    releases: Sequence[tuple[date, pl.DataFrame]],
) -> tuple[pl.DataFrame, int]:
    """Turn releases into versions, each known until a release says otherwise.

    Parameters
    ----------
    releases : sequence of (date, frame)
        Day of each release, and its events as :class:`~forecast.schema.Events` has
        them, ``known_from`` at the earliest day the source itself allows.

    Returns
    -------
    events : pl.DataFrame
        One row a version: known from the release on (and never before its own day),
        until the release that changed it. An event that a later release lacks stays:
        releases differ in scope, and absence alone does not say that it was withdrawn.
    same : int
        Rows that only repeat what an earlier release said, or that a release of the
        same day replaced; they make no version.

    Examples
    --------
    >>> event = {"event_id": ["1"], "deaths": [3], "known_from": [date(2018, 5, 2)]}
    >>> old = pl.DataFrame(event).with_columns(known_until=pl.lit(None, pl.Date))
    >>> new = old.with_columns(deaths=pl.lit(5, pl.Int64))
    >>> releases = [(date(2019, 6, 1), old), (date(2021, 6, 1), new)]
    >>> known = versions(releases)[0].select("deaths", "known_from", "known_until")
    >>> [tuple(map(str, row)) for row in known.rows()]
    [('3', '2019-06-01', '2021-06-01'), ('5', '2021-06-01', 'None')]
    """
    every = pl.concat(
        frame.with_columns(
            pl.max_horizontal("known_from", pl.lit(day)).alias("known_from"),
            pl.lit(i).alias("_release"),
        )
        for i, (day, frame) in enumerate(sorted(releases, key=lambda r: r[0]))
    ).sort("event_id", "_release")
    content = pl.struct(pl.exclude("_release", *CLOCK))
    changed = every.filter(
        (content != content.shift(1).over("event_id")).fill_null(True)
    )
    following = pl.col("known_from").shift(-1).over("event_id")
    laid = changed.with_columns(known_until=following).filter(
        pl.col("known_until").is_null() | (pl.col("known_from") < pl.col("known_until"))
    )
    return laid.drop("_release"), every.height - laid.height
