"""Who: names of actors in events that carry no dyad, and the parties they stand for."""

import dataframely as dy
import polars as pl

from forecast.quality.table import counted, current, finding, table
from forecast.schema import Events, Truces

#: unmatched names that are listed
LISTED = 100


def mentions(events: pl.DataFrame) -> pl.DataFrame:
    """How many events name each actor, on either side.

    Parameters
    ----------
    events : pl.DataFrame
        ``actor_a`` and ``actor_b``.

    Returns
    -------
    pl.DataFrame
        ``actor``, ``n`` events, most first.

    Examples
    --------
    >>> mentions(pl.DataFrame({"actor_a": ["X", "Y"], "actor_b": ["Y", None]})).rows()
    [('Y', 2), ('X', 1)]
    """
    events = events.select("actor_a", "actor_b").with_row_index("event")
    sides = [events.select("event", actor=side) for side in ("actor_a", "actor_b")]
    return (
        pl.concat(sides)
        .drop_nulls()
        .unique()
        .group_by("actor")
        .agg(n=pl.len().cast(pl.Int64))
        .sort("n", "actor", descending=[True, False])
    )


def actors(
    events: dy.DataFrame[Events], truces: dy.DataFrame[Truces] | None
) -> pl.DataFrame:
    """How the names in events without a dyad were resolved, and which were not.

    Parameters
    ----------
    events : Events
        Of one source; current versions are used.
    truces : Truces or None
        Whose parties names can stand for; None: nothing to match them against.

    Returns
    -------
    pl.DataFrame
        ``without a dyad`` (events), ``without an actor`` (of these), ``names``
        (different ones), ``mentions`` (of a name by an event); then, where there are
        truces, mentions by how they were ``resolved``, ``unmatched`` mentions,
        ``unmatched names`` and the first hundred each as ``unmatched name``. A
        name that a correction says is no party is not unmatched.
    """
    now = current(events)
    loose = now.filter(pl.col("dyad_id").is_null())
    named = mentions(loose)
    nobody = loose.filter(pl.col("actor_a").is_null() & pl.col("actor_b").is_null())
    total = int(named["n"].sum())
    findings = [
        finding("without a dyad", loose.height, now.height),
        finding("without an actor", nobody.height, loose.height),
        finding("names", named.height),
        finding("mentions", total),
    ]
    if truces is None or named.is_empty():
        return table(findings)
    from forecast.actors import resolve

    found = named.join(resolve(named["actor"], truces), on="actor", how="left").sort(
        "n", "actor", descending=[True, False]
    )
    method = pl.col("method").cast(pl.String)
    by = found.group_by(method).agg(pl.col("n").sum()).sort("method")
    left = found.filter(method == "none")
    return table(
        [
            *findings,
            *counted("resolved", by, "method", total),
            finding("unmatched", int(left["n"].sum()), total),
            finding("unmatched names", left.height, named.height),
            *counted("unmatched name", left.head(LISTED), "actor", total),
        ]
    )
