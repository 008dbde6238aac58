"""Rows of a source, and the codes in them: read, accepted, left out, refused."""

from typing import Any

import dataframely as dy
import polars as pl

from forecast.quality.table import counted, current, finding, table, tally
from forecast.schema import Events, Loaded, Unmapped


def rows(loaded: Loaded[Any]) -> pl.DataFrame:
    """What became of the rows of a source.

    Parameters
    ----------
    loaded : Loaded
        What the source returned.

    Returns
    -------
    pl.DataFrame
        ``read``, ``accepted``, ``records`` (rows of the frame: several rows may make
        one), ``left out`` and ``refused`` with their shares of the rows read,
        ``unaccounted`` (rows lost without a word: a fault of the source), then
        ``left out by`` reason and ``refused by`` rule.

    Examples
    --------
    >>> from forecast.schema import Truces
    >>> empty = Loaded(frame=Truces.create_empty(), read=3, accepted=2)
    >>> rows(empty).filter(pl.col("item") == "unaccounted")["value"].item()
    1.0
    """
    read, refused = loaded.read, loaded.rejected.height
    left_out = int(loaded.left_out["n"].sum())
    reasons = (
        loaded.left_out.group_by("reason")
        .agg(pl.col("n").sum())
        .sort("n", "reason", descending=[True, False])
    )
    rules = tally(
        loaded.rejected.select(rule=pl.format("{}: {}", "column", "reason")), "rule"
    )
    return table(
        [
            finding("read", read),
            finding("accepted", loaded.accepted, read),
            finding("records", loaded.frame.height),
            finding("left out", left_out, read),
            finding("refused", refused, read),
            finding("unaccounted", read - loaded.accepted - left_out - refused),
            *counted("left out by", reasons, "reason", read),
            *counted("refused by", rules, "rule", read),
        ]
    )


def codes(
    events: dy.DataFrame[Events], unmapped: dy.DataFrame[Unmapped], accepted: int
) -> pl.DataFrame:
    """Kinds, coding systems, and codes without an entry of their own.

    Parameters
    ----------
    events : Events
        Of one source; current versions are counted.
    unmapped : Unmapped
        Codes that fell back to their root or to no kind.
    accepted : int
        Rows that were accepted; shares of unmapped codes refer to them.

    Returns
    -------
    pl.DataFrame
        ``events``, ``codes`` (different ones), ``without a code``, ``hostile``,
        ``kind`` and ``system`` each, ``unmapped`` (rows), and for each
        ``unmapped code`` what was used instead.

    Examples
    --------
    >>> odd = Unmapped.validate(pl.DataFrame({"source": ["icews"], "system": ["cameo"],
    ...     "code": ["1999"], "used": ["19"], "n": [3]}), cast=True)
    >>> codes(Events.create_empty(), odd, 30).tail(1).row(0)
    ('unmapped code', 'cameo 1999, read as 19', 3.0, 0.1)
    """
    now = current(events)
    n, of = now.height, max(accepted, int(unmapped["n"].sum()))
    used = pl.when(pl.col("used").is_null()).then(pl.lit("other, no entry"))
    named = unmapped.select(
        pl.format(
            "{} {}, read as {}",
            pl.col("system").cast(pl.String),
            pl.col("code").replace("", "(none)"),
            used.otherwise("used"),
        ).alias("code"),
        "n",
    )
    found = named.group_by("code").agg(pl.col("n").sum())
    return table(
        [
            finding("events", n),
            finding("codes", now["code"].drop_nulls().n_unique()),
            finding("without a code", now["code"].null_count(), n),
            finding("hostile", int(now["hostile"].sum()), n),
            *counted("kind", tally(now, "kind"), "kind", n),
            *counted("system", tally(now, "system"), "system", n),
            finding("unmapped", int(unmapped["n"].sum()), of),
            *counted(
                "unmapped code",
                found.sort("n", "code", descending=[True, False]),
                "code",
                of,
            ),
        ]
    )
