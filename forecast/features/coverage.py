"""How much is reported, and how well: so that silence is not taken for peace."""

from collections.abc import Mapping, Sequence

import dataframely as dy
import polars as pl

from forecast.features import KEYS, ratio
from forecast.features.recent import CAP_DAYS
from forecast.link import country_name
from forecast.pairs import measured, usable
from forecast.schema import Panel, Truces
from forecast.spans import VERSION
from forecast.windows import days_since_last, trailing

YEAR = 365


def coverage(
    panel: dy.DataFrame[Panel],
    events: pl.DataFrame,
    truces: dy.DataFrame[Truces],
    *,
    windows: Sequence[int] = (7, 30),
    blackout_factor: float = 3,
) -> pl.DataFrame:
    """Reports on the war around a truce: how many, from whom, how exact, how silent.

    The number of recorded violations follows the monitors as much as the guns: where
    access closes, or reports of a weekend arrive as one, a fall in the count is no
    fall in the violence. A report here is an event of any kind and relation (party,
    outsider, neighbour in the same conflict or country), because reporters who still
    tell of the neighbours would tell of the parties. Candidate events are coded in
    haste and revised later (Hegre et al. 2020), so how exact a report is tells how far
    to trust it.

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`; truces are not used.
    windows : sequence of int
        Days before the origin, fewer than 365; they may reach back beyond the start.
    blackout_factor : float
        A silence is a blackout when it lasts longer than so many usual gaps.

    Returns
    -------
    coverage_reports_<W>d : events
        Events of any relation with ``o - W <= e < o``. Null: never.
    coverage_trend_<W>d : ratio
        Reports a day in the window, over reports a day in the rest of the year before
        the origin: ``(n_W / W) / ((n_365 - n_W) / (365 - W))``; 1 is as ever. Null:
        when the rest of the year has none.
    coverage_sources_<W>d : sources
        Different sources of the reports in the window: series, or what a hand-made
        file names. In a run with one series it is 1 or 0. Null: never.
    coverage_imprecise_<W>d : share of events
        Reports in the window whose date is not known to the day: they count on the
        last of their days, and may be older. Null: when there is no report.
    coverage_placeless_<W>d : share of events
        Reports in the window without a latitude. Null: when there is no report.
    coverage_spread_<W>d : share of deaths
        How far the estimates of the dead lie apart: sum of ``max(0, deaths_high -
        deaths_low)`` over sum of ``deaths_high``, of reports in the window that give
        both; 0 where they agree. Null: when there is none of these, or their highest
        estimates are of no dead.
    coverage_silence_days : days
        ``o`` minus the last day with a report; 1 is yesterday, 365 that long ago or
        never. Null: never.
    coverage_gap_days : days
        Mean distance of one day with a report to the next in the year before the
        origin: ``(last - first) / (n - 1)`` of its n days with a report. Null: when it
        has fewer than two.
    coverage_blackout : 0 or 1
        Whether ``coverage_silence_days`` is more than ``blackout_factor`` times
        ``coverage_gap_days``. Null: when the gap is, for nothing was to be expected.

    References
    ----------
    Clayton, Nygård, Rustad & Strand (2022), Journal of Conflict Resolution: truces are
    made where violence is intense, so that a fall from the year before is the rule.
    Hegre, Croicu, Eck & Högbladh (2020), "Introducing the UCDP Candidate Events
    Dataset", Research & Politics 7(3).
    """
    del truces
    origins = panel.select(KEYS)
    events = _at_home(panel, events)
    daily = _daily(events)
    names = ("reports", "imprecise", "placeless", "spread", "highest")
    counts = {name: pl.col(name) for name in names}
    sums = trailing(origins, daily, counts, [*windows])
    year = trailing(origins, daily, {"year": pl.col("reports")}, [YEAR])
    parts = [
        sums.hstack(year.select(f"year_{YEAR}d")).select(**_shares(windows)),
        _sources(origins, events, windows),
        _silence(origins, daily, blackout_factor),
    ]
    return pl.concat([origins, *parts], how="horizontal")


def _at_home(panel: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Without the wars across a border: their reporters are others."""
    truces = panel.select("truce_id", own="conflict_id", here=country_name()).unique()
    same = (pl.col("conflict_id") == pl.col("own")) | (country_name() == pl.col("here"))
    return (
        events.join(truces, on="truce_id", maintain_order="left")
        .filter((pl.col("relation") != "neighbour") | same.fill_null(False))
        .drop("own", "here")
    )


def _daily(events: pl.DataFrame) -> pl.DataFrame:
    """Events of a day that came, and went, together: how many, and how exact."""
    low, high = pl.col("deaths_low"), pl.col("deaths_high")
    return events.group_by(VERSION, maintain_order=True).agg(
        reports=pl.len().cast(pl.Int64),
        imprecise=(pl.col("date_precision") != "day").sum().cast(pl.Int64),
        placeless=pl.col("latitude").is_null().sum().cast(pl.Int64),
        # a few rows have their ends turned round: no spread
        spread=(high - low).clip(lower_bound=0).sum(),
        highest=high.filter(low.is_not_null()).sum(),
    )


def _shares(windows: Sequence[int]) -> Mapping[str, pl.Expr]:
    said: dict[str, pl.Expr] = {}
    for w in windows:
        n = pl.col(f"reports_{w}d")
        rest = pl.col(f"year_{YEAR}d") - n
        said[f"coverage_reports_{w}d"] = n
        # times a number: Polars divides by one differently where there is one row only
        said[f"coverage_trend_{w}d"] = ratio(n, rest) * ((YEAR - w) / w)
        for what in ("imprecise", "placeless"):
            said[f"coverage_{what}_{w}d"] = ratio(pl.col(f"{what}_{w}d"), n)
        said[f"coverage_spread_{w}d"] = ratio(
            pl.col(f"spread_{w}d"), pl.col(f"highest_{w}d")
        )
    return said


def _sources(
    origins: pl.DataFrame, events: pl.DataFrame, windows: Sequence[int]
) -> pl.DataFrame:
    """Different sources in each window."""
    slim = events.select(*VERSION, "source").unique()
    latest = (
        usable(origins, slim, max(windows, default=0))
        .group_by("row", "source")
        .agg(pl.col("ago").min())
    )
    told = {f"coverage_sources_{w}d": (pl.col("ago") <= w).sum() for w in windows}
    return measured(origins, latest, **told).select(
        pl.all().fill_null(0).cast(pl.Int64)
    )


def _silence(origins: pl.DataFrame, daily: pl.DataFrame, factor: float) -> pl.DataFrame:
    """Days since the last report, the usual gap, and whether one belies the other."""
    days = usable(origins, daily.select(VERSION), YEAR).select("row", "ago").unique()
    ago, n = pl.col("ago"), pl.len()
    gaps = measured(
        origins,
        days,
        coverage_gap_days=pl.when(n > 1).then((ago.max() - ago.min()) / (n - 1)),
    )
    silence = days_since_last(origins, daily, "coverage_silence_days", CAP_DAYS)
    gap = pl.col("coverage_gap_days")
    return silence.hstack(gaps).select(
        "coverage_silence_days",
        gap,
        coverage_blackout=pl.col("coverage_silence_days") > factor * gap,
    )
