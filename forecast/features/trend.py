"""Whether violence is rising: short windows over long ones, slopes, a change point."""

from collections.abc import Sequence

import dataframely as dy
import polars as pl

from forecast.pairs import usable
from forecast.schema import Panel, Truces
from forecast.windows import trailing


def trend(
    panel: dy.DataFrame[Panel],
    events: pl.DataFrame,
    truces: dy.DataFrame[Truces],
    *,
    pairs: Sequence[tuple[int, int]] = ((7, 30), (30, 90)),
    prior_events: float = 1,
    prior_deaths: float = 5,
    slopes: Sequence[int] = (30, 90),
    before_weeks: int = 13,
    share: float = 0.5,
) -> pl.DataFrame:
    """Direction of the parties' violence, as levels alone do not show it.

    All columns count hostile events between the parties, as ``recent`` does.

    A short window is set against a long one by the logarithm of what it holds over
    what it would hold had nothing changed, with a few events (or deaths) added to
    both. The plain ratio is unknown where the long window is empty, which in a truce
    that holds is most of the time, and makes a fourfold rise of one lone event. This
    one is 0 where all was quiet, near 0 where little happened, and near the plain
    ratio where much did.

    The change point is Page's cumulative sum of daily events since the start, less a
    reference for each day and never below zero: with ``y(d)`` events on day ``d``,
    ``S(d) = max(0, S(d - 1) + y(d) - k)`` and ``S(start) = 0``. It stays near zero
    while violence is below the reference, and climbs from the day on which it is
    above. ``k`` is half the daily rate from before the start, the pace at which
    killing counts as resumed, and close to what is best to tell a quarter of that
    rate from all of it (Lucas 1985). Without events before, ``k`` is 0, and the sum
    counts all events since the start.

    What went before says how to take what comes after: truces are made when violence
    is high (Clayton et al. 2022), some of it already falling; and a lull in a war of
    bursts says less than one in a steady war.

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`; truces are not used.
    pairs : sequence of (int, int)
        Short and long windows, in days; the short one is the end of the long one.
    prior_events, prior_deaths : float
        Added to both sides of a ratio, more than 0. Five deaths are the least that
        ``resumption`` calls a collapse.
    slopes : sequence of int
        Windows of slopes, in days, at least 2.
    before_weeks : int
        Weeks before the start that set the reference, its volatility and slope. Of
        whole weeks, 13 come nearest to the 90 days that set the level of a truce.
    share : float
        Share of the daily rate before the start that is the reference ``k``.

    Returns
    -------
    trend_events_<S>_over_<L>d : log ratio
        ``log((n(S) + c) / (n(L) S / L + c))``, ``n(W)`` events with
        ``o - W <= e < o`` and ``c`` of ``prior_events``. Null: never.
    trend_deaths_<S>_over_<L>d : log ratio
        The same of deaths, with ``prior_deaths``. Null: never.
    trend_slope_<W>d : events a day, each day
        Slope of the least squares line through the daily counts of the last ``W``
        days: ``6 ((W + 1) n - 2 a) / (W (W^2 - 1))``, ``n`` events in the window and
        ``a`` the sum of their ``o - e``. Null: never.
    trend_cusum_height : events
        ``S(o - 1)``, which is the largest ``n(e) - k (o - e)`` over the days ``e`` of
        events after the start, ``n(e)`` of them on ``e`` or later; at least 0. Null:
        never.
    trend_cusum_worth : days
        ``trend_cusum_height`` over the daily rate before the start: how many days of
        war as it was before have come in excess. Null: when there was no event then.
    trend_cusum_days_since : days
        Days from the first day of the present excursion to the origin, the change
        point: the day after the last ``d`` with ``S(d) = 0``. 0 where
        ``S(o - 1) = 0``, else at least 1. Null: never.
    trend_before_volatility_events : ratio
        Standard deviation (of all weeks, not of a sample) of the events of each week
        before the start, over their mean. Null: when there was none.
    trend_before_volatility_deaths : ratio
        The same of deaths. Null: when there was none.
    trend_before_slope : ratio
        Rise of the least squares line through the daily counts of the ``D`` days
        before the start, over the mean count: ``6 D (D + 1 - 2 b) / (D^2 - 1)``,
        ``b`` the mean of ``start - e``. Negative: violence was falling when the truce
        began. Null: when there was no event.

    References
    ----------
    Clayton, Nygård, Rustad & Strand (2022), Journal of Conflict Resolution.
    Lucas (1985), "Counted Data CUSUM's", Technometrics 27(2):129-144.
    Page (1954), "Continuous Inspection Schemes", Biometrika 41(1/2):100-115.
    """
    del truces
    party = _party(panel, events)
    before = _before(panel, party, before_weeks)
    return pl.concat(
        [
            panel.select("truce_id", "origin"),
            _ratios(panel, party, pairs, prior_events, prior_deaths),
            _slopes(panel, party, slopes),
            _cusum(panel, party, before["n"], share, 7 * before_weeks),
            _shape(before, before_weeks),
        ],
        how="horizontal",
    )


def _party(panel: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Hostile events of the parties; ``age`` is in days after the start."""
    starts = panel.select("truce_id", "start").unique()
    return (
        events.filter((pl.col("relation") == "party") & pl.col("hostile"))
        .join(starts, on="truce_id")
        .select(
            "truce_id",
            "day",
            "known_from",
            "known_until",
            deaths=pl.col("deaths").fill_null(0),
            age=(pl.col("day") - pl.col("start")).dt.total_days(),
        )
    )


def _before(panel: pl.DataFrame, party: pl.DataFrame, weeks: int) -> pl.DataFrame:
    """Events and deaths of each week before the start, as known at the origin.

    ``n`` is all the events, and ``ago`` the sum of their days before the start.
    """
    ago = -pl.col("age")
    early = party.filter(ago.is_between(1, 7 * weeks))
    values = {"n": pl.lit(1, pl.Int64), "ago": ago}
    for i in range(weeks):
        within = (ago - 1) // 7 == i
        values[f"events_{i}"] = within.cast(pl.Int64)
        values[f"deaths_{i}"] = within * pl.col("deaths")
    return trailing(panel, early, values, [None]).select(
        pl.col(f"{name}_ever").alias(name) for name in values
    )


def _ratios(
    panel: pl.DataFrame,
    party: pl.DataFrame,
    pairs: Sequence[tuple[int, int]],
    prior_events: float,
    prior_deaths: float,
) -> pl.DataFrame:
    values = {"events": pl.lit(1, pl.Int64), "deaths": pl.col("deaths")}
    windows = sorted({days for pair in pairs for days in pair})
    sums = trailing(panel, party, values, windows)
    priors = {"events": prior_events, "deaths": prior_deaths}
    return sums.select(
        (
            (pl.col(f"{name}_{short}d") + prior)
            / (pl.col(f"{name}_{long}d") * (short / long) + prior)
        )
        .log()
        .alias(f"trend_{name}_{short}_over_{long}d")
        for name, prior in priors.items()
        for short, long in pairs
    )


def _slopes(
    panel: pl.DataFrame, party: pl.DataFrame, windows: Sequence[int]
) -> pl.DataFrame:
    values = {"n": pl.lit(1, pl.Int64), "age": pl.col("age")}
    sums = trailing(panel, party, values, windows).hstack([panel["age_days"]])

    def slope(days: int) -> pl.Expr:
        n, ages = pl.col(f"n_{days}d"), pl.col(f"age_{days}d")
        tilt = _tilt(n, pl.col("age_days") * n - ages, days)
        return (tilt * (6 / (days**3 - days))).alias(f"trend_slope_{days}d")

    return sums.select(slope(days) for days in windows)


def _tilt(n: pl.Expr, ago: pl.Expr, days: int) -> pl.Expr:
    """Late events over early ones: in whole numbers, so that an even window is 0."""
    return (days + 1) * n - 2 * ago


def _cusum(
    panel: pl.DataFrame, party: pl.DataFrame, before: pl.Series, share: float, days: int
) -> pl.DataFrame:
    """Height, worth and age of the present excursion.

    The sum at an origin is the rise since its lowest point, and it is lowest on the
    eve of a day with events, so only these days are tried. All is counted in parts of
    an event, as many as there are days before, which leaves the reference free of
    rounding, and a sum of zero is found to be zero.
    """
    rows = panel.select("age_days", n=before).with_row_index("row")
    # the oldest origin bounds the pairs; what is after the start is never older
    oldest = rows.select(pl.col("age_days").max()).item()
    tried = (
        usable(panel, party.filter(pl.col("age") > 0), oldest)
        .group_by("row", "ago")
        .agg(later=pl.len().cast(pl.Int64))
        .sort("row", "ago")
        .join(rows, on="row", maintain_order="left")
        .select(
            "row",
            "ago",
            height=pl.col("later").cum_sum().over("row") * float(days)
            - pl.col("n") * share * pl.col("ago"),
        )
    )
    highest = pl.col("height").max()
    found = tried.group_by("row").agg(
        highest, since=pl.col("ago").filter(pl.col("height") == highest).min()
    )
    height = pl.col("height").clip(lower_bound=0).fill_null(0)
    return rows.join(found, on="row", how="left", maintain_order="left").select(
        trend_cusum_height=height * (1 / days),
        trend_cusum_worth=pl.when(pl.col("n") > 0).then(height / pl.col("n")),
        trend_cusum_days_since=pl.when(height > 0).then("since").otherwise(0),
    )


def _shape(before: pl.DataFrame, weeks: int) -> pl.DataFrame:
    """Volatility and slope of the time before the start."""
    days, n = 7 * weeks, pl.col("n")
    rise = _tilt(n, pl.col("ago"), days) / n * (6 * days / (days**2 - 1))
    return before.select(
        *(_volatility(name, weeks) for name in ("events", "deaths")),
        trend_before_slope=pl.when(n > 0).then(rise),
    )


def _volatility(name: str, weeks: int) -> pl.Expr:
    # in whole numbers, so that no order of adding shows: n² variance = n Σ c² − (Σ c)²
    counts = [pl.col(f"{name}_{i}").cast(pl.Int64) for i in range(weeks)]
    total = pl.sum_horizontal(counts)
    spread = weeks * pl.sum_horizontal(count * count for count in counts) - total**2
    return (
        pl.when(total > 0)
        .then(spread.sqrt() / total)
        .alias(f"trend_before_volatility_{name}")
    )
