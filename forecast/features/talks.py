"""Talks between the parties: held, announced, and broken off."""

from collections.abc import Mapping, Sequence

import dataframely as dy
import polars as pl

from forecast.features import KEYS
from forecast.features.reciprocity import named_parties
from forecast.pairs import measured, usable
from forecast.schema import Panel, Truces
from forecast.spans import VERSION
from forecast.windows import days_since_last

CAP_DAYS = 365
#: codes that break talks off, whatever kind the user's map gives them
HALTS = {"cameo": r"^16[45]", "plover": r"^SANCTION/discontinue$"}
#: codes that ask for talks or promise them: no round of their own
PROPOSALS = {"cameo": r"^(02|03|10)", "plover": r"^REQUEST"}
#: codes that take a third party: mediation, its refusal, and its observers' expulsion
MEDIATION = {
    "cameo": r"^(028|038|039|045|108|126|165|1661|1662)",
    "plover": r"^CONSULT/third-party$",
}


def talks(
    panel: dy.DataFrame[Panel],
    events: pl.DataFrame,
    truces: dy.DataFrame[Truces],
    *,
    windows: Sequence[int] = (7, 30, 90),
    due_days: int = 14,
) -> pl.DataFrame:
    """Count rounds of talks and halts, and look for the next round announced.

    Parties that still talk have something to lose by fighting, and a date to meet gives
    both a reason to wait; talks broken off take it away.

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`.
    windows : sequence of int
        Days before the origin; they may reach back beyond the start.
    due_days : int
        Days ahead in which an announced round is near.

    Returns
    -------
    talks_rounds_<W>d : days
        On which a round was held: ``o - W <= r < o``, where r is the later of ``e`` and
        the day a round was announced for. Null: never.
    talks_rounds_since_start : days
        The same for ``start < r < o``. Null: never.
    talks_halts_<W>d : days
        On which talks were refused, broken off, or their observers expelled:
        ``o - W <= e < o``. Null: never.
    talks_halts_since_start : days
        The same for ``start < e < o``. Null: never.
    talks_days_since_round : days
        ``o - r`` of the last round, at most 365, which is also "never". Null: never.
    talks_days_since_halt : days
        ``o - e`` of the last halt, at most 365, which is also "never". Null: never.
    talks_halted : 0 or 1
        Whether the last halt, within 365 days, came on the day of the last round or
        later: talks stand broken off. Null: never.
    talks_due_<X>d : 0 or 1
        Whether a round is announced for one of the X days (``due_days``) from the
        origin on: ``o <= due < o + X``. Null: never.
    talks_days_to_due : days
        ``due - o`` of the next round announced, 0 for today. Null: when none is.

    Notes
    -----
    A round is a day with an event of kind talks: sources report one meeting several
    times, ICEWS in both directions, and again on the day it was announced for. An
    announcement counts as a round once its day is past, and until then as due; it
    counts as neither once a later version has replaced it, nor as due a year after it
    was made. Whether the round took place is not known, where nobody revised it.
    Proposals and demands without a day (CAMEO 02, 03 and 10, PLOVER REQUEST) are no
    rounds. A halt is an event of kind rupture or with a code of broken talks (CAMEO 164
    and 165, PLOVER SANCTION/discontinue).

    Events of the parties count, and those of a mediator with one of them. A link calls
    the latter neighbours, beside all else in the country. They are told by what they
    are: no dyad, one actor a party and the other named and none, and either in
    the truce's conflict or with a code that takes a mediator. A government that
    meets a foreign visitor is no round. Talks of an outsider never count.

    References
    ----------
    Clayton, Nygård, Rustad & Strand (2022), "Costs and Cover: Explaining the Onset of
    Ceasefires in Civil Conflict", Journal of Conflict Resolution.

    Regan & Aydin (2006), "Diplomacy and Other Forms of Intervention in Civil Wars",
    Journal of Conflict Resolution 50(5):736-756.
    """
    met = _met(panel, events, truces)
    announced = pl.col("due").is_not_null()
    told = met.filter((pl.col("kind") == "talks") & (announced | ~_coded(PROPOSALS)))
    rounds = told.with_columns(day=pl.max_horizontal("day", "due"))
    halts = met.filter((pl.col("kind") == "rupture") | _coded(HALTS))
    last = [
        days_since_last(panel, days, f"talks_days_since_{what}", CAP_DAYS).to_series(2)
        for what, days in (("round", rounds), ("halt", halts))
    ]
    return (
        panel.select(KEYS)
        .hstack(_distinct_days(panel, rounds, "talks_rounds", windows))
        .hstack(_distinct_days(panel, halts, "talks_halts", windows))
        .hstack(last)
        .with_columns(talks_halted=(last[1] < CAP_DAYS) & (last[1] <= last[0]))
        .hstack(_ahead(panel, told.filter(announced), due_days))
    )


def _coded(patterns: Mapping[str, str]) -> pl.Expr:
    """Whether the raw code is one of those, each in its own system."""
    return pl.any_horizontal(
        ((pl.col("system") == system) & pl.col("code").str.contains(pattern))
        for system, pattern in patterns.items()
    ).fill_null(False)


def _met(
    panel: pl.DataFrame, events: pl.DataFrame, truces: dy.DataFrame[Truces]
) -> pl.DataFrame:
    """Talks and halts of the parties, or of one of them with a mediator."""
    spoken = events.filter(pl.col("kind").is_in(["talks", "rupture"]) | _coded(HALTS))
    party = spoken.filter(pl.col("relation") == "party")
    near = spoken.filter(
        (pl.col("relation") == "neighbour")
        & pl.col("dyad_id").is_null()
        & pl.all_horizontal(pl.col("actor_a", "actor_b").is_not_null())
    )
    conflicts = panel.select("truce_id", conflict="conflict_id").unique()
    one = pl.col("party_a").is_null() != pl.col("party_b").is_null()
    same = (pl.col("conflict_id") == pl.col("conflict")).fill_null(False)
    third = (
        named_parties(near, truces)
        .join(conflicts, on="truce_id")
        .filter(one & (same | _coded(MEDIATION)))
    )
    columns = [*VERSION, "due", "kind", "system", "code"]
    return pl.concat([party.select(columns), third.select(columns)])


def _distinct_days(
    panel: pl.DataFrame, events: pl.DataFrame, name: str, windows: Sequence[int]
) -> pl.DataFrame:
    """Days with an event in each window and since the start, as of each origin."""
    ages = panel.select("age_days").with_row_index("row")
    # a truce is not followed for longer than its oldest origin
    span = max(*windows, *ages["age_days"].unique())
    days = events.select(VERSION).unique()
    ago, age = pl.col("ago"), pl.col("age_days")
    pairs = usable(panel, days, span).unique(["row", "ago"]).join(ages, on="row")
    told = {f"{name}_{window}d": (ago <= window).sum() for window in windows}
    told[f"{name}_since_start"] = (ago < age).sum()
    return measured(panel, pairs, **told).select(pl.all().fill_null(0).cast(pl.Int64))


def _ahead(panel: pl.DataFrame, announced: pl.DataFrame, near: int) -> pl.DataFrame:
    """The next round announced, as of each origin."""
    ahead = (pl.col("due") - pl.col("origin")).dt.total_days()
    coming = usable(panel, announced.select(*VERSION, "due").unique(), CAP_DAYS)
    next_due = pl.col("talks_days_to_due")
    return measured(
        panel, coming.filter(ahead >= 0), talks_days_to_due=ahead.min()
    ).select((next_due < near).fill_null(False).alias(f"talks_due_{near}d"), next_due)
