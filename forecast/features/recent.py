"""What the parties did to each other lately, and what of it the rule still holds."""

from collections.abc import Mapping, Sequence

import dataframely as dy
import polars as pl

from forecast.features import KEYS
from forecast.pairs import measured, usable
from forecast.schema import Panel, Truces
from forecast.spans import VERSION
from forecast.windows import days_since_last, decayed, trailing

CAP_DAYS = 365


def recent(
    panel: dy.DataFrame[Panel],
    events: pl.DataFrame,
    truces: dy.DataFrame[Truces],
    *,
    windows: Sequence[int] = (3, 7, 14, 30, 60),
    around_windows: Sequence[int] = (7, 30),
    daily_windows: Sequence[int] = (30, 90),
    half_lives: Sequence[float] = (14,),
    ahead: Sequence[int] = (4, 7, 14, 21),
    share_windows: Sequence[int] = (3, 7, 9, 14, 16, 23, 26, 30),
    fading_half_lives: Sequence[float] = (7, 14, 30),
    rule_window_days: int = 30,
    rule_kinds: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Hostile events and deaths of the parties, and of the war around them.

    What the parties do to each other is the strongest and simplest signal there is,
    and the deaths that already lie in the window of the collapse rule are most of it.
    How long they will stay there says how few more it takes at each horizon. The same
    deaths on one day or on many are a massacre or a war, and only the second goes on
    by itself (Lewis et al. 2012: what one attack sets off lasts two to six weeks).

    Shares of the threshold have above the line what the rule counts: deaths, or, where
    it counts coded acts (``rule_kinds``), acts of the parties of those kinds.

    Talks and threats are no violence: they count in ``recent_coded_<W>d`` alone, which
    beside ``recent_events_<W>d`` says how much else the parties do. Events and deaths
    of outsiders are the family :mod:`forecast.features.outsiders`, in the same words.

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`; truces are not used.
    windows : sequence of int
        Days before the origin for hostile events and deaths of the parties; as all
        windows here they may reach back beyond the start.
    around_windows : sequence of int
        The same for events of any kind, and for neighbours.
    daily_windows : sequence of int
        The same for what is told by the day.
    half_lives : sequence of float
        Days in which the weight of a death halves.
    ahead : sequence of int
        Days from the origin at which the deaths still in the rule's window are told.
    share_windows : sequence of int
        Days before the origin for what the rule has counted since the start.
    fading_half_lives : sequence of float
        Days in which the weight of what the rule has counted since the start halves.
    rule_window_days : int
        Window of the collapse rule, in days.
    rule_kinds : sequence of str, optional
        Kinds of events that the collapse rule counts, as ``violations`` does; None: it
        counts deaths.

    Returns
    -------
    recent_deaths_<W>d : deaths
        Deaths in hostile events of the parties with ``o - W <= e < o``; an event that
        gives no number adds none. Null: never.
    recent_events_<W>d : events
        Hostile events of the parties with ``o - W <= e < o``. Null: never.
    recent_deaths_since_start : deaths
        The same with ``start < e < o``. Null: never.
    recent_events_since_start : events
        The same with ``start < e < o``. Null: never.
    recent_days_since_last : days
        ``o`` minus the last day with a hostile event of the parties; 1 is yesterday,
        365 that long ago or never. Null: never.
    recent_filled : share of the threshold
        Deaths of the dyad since the start, in rows of any kind as the collapse rule
        counts them, that are still in its window of R days on the origin's own day:
        ``max(start + 1, o - R + 1) <= e < o``, over the threshold; with ``rule_kinds``
        events of the parties of those kinds. Null: when the rule has no threshold, or
        one of 0.
    recent_carried_<K>d : share of the threshold
        The same K days later if nothing more is counted: ``max(start + 1, o + K - R +
        1) <= e < o``, over the threshold; 0 where K >= R - 1. Null: when the rule has
        no threshold, or one of 0.
    recent_share_<W>d : share of the threshold
        What ``recent_filled`` counts, with ``max(start + 1, o - W) <= e < o``, over the
        threshold: unlike ``recent_deaths_<W>d`` nothing of the war before the start.
        Null: when the rule has no threshold, or one of 0.
    recent_fading_<H>d : share of the threshold
        Sum of what ``recent_filled`` counts, times ``2 ** (-(o - 1 - e) / H)``, with
        ``start < e < o``, over the threshold. Null: when the rule has no threshold, or
        one of 0.
    recent_decayed_<H>d : share of the threshold
        Sum of ``deaths * 2 ** (-(o - 1 - e) / H)`` over hostile events of the parties
        with ``e < o``, over the threshold; with ``rule_kinds`` the same sum of 1 over
        events of the parties of those kinds. Null: when the rule has no threshold, or
        one of 0.
    recent_coded_<W>d : events
        Events of the parties, hostile or not, with ``o - W <= e < o``. Null: never.
    recent_neighbour_deaths_<W>d : deaths
        Deaths in hostile events of neighbours (whatever is linked to the truce and
        neither a party's nor an outsider's, among it violence of a party against
        civilians) with ``o - W <= e < o``. Null: never.
    recent_neighbour_events_<W>d : events
        Hostile events of neighbours with ``o - W <= e < o``. Null: never.
    recent_max_day_<W>d : deaths
        Most deaths in hostile events of the parties on one day ``e`` with
        ``o - W <= e < o``; 0 without one. Null: never.
    recent_violent_share_<W>d : share of days
        Days ``e`` with ``o - W <= e < o`` on which a hostile event of the parties
        ended, over W. Null: never.

    References
    ----------
    Clayton & Sticher (2021), International Studies Quarterly 65(3): deaths between the
    parties as failure of a truce.
    Lewis, Mohler, Brantingham & Bertozzi (2012), "Self-exciting point process models
    of civilian deaths in Iraq", Security Journal 25(3):244-264.
    Lundgren, Svensson & Karakuş (2023), Journal of Conflict Resolution
    67(7-8):1350-1375: spill-over between neighbours.
    """
    del truces
    origins = panel.select(KEYS)
    party = events.filter(pl.col("relation") == "party")
    hostile = _daily(party.filter("hostile"))
    near = events.filter((pl.col("relation") == "neighbour") & pl.col("hostile"))
    coded = {"recent_coded": pl.col("events")}
    weighed, ruled, what = hostile, _of_the_dyad(panel, events), pl.col("deaths")
    if rule_kinds is not None:
        acts = party.filter(pl.col("kind").is_in(list(rule_kinds)))
        weighed, ruled, what = _daily(acts), acts, pl.col("events")
    counted = _daily(_since(panel, ruled))
    parts = [
        trailing(origins, hostile, _sums("recent"), list(windows)),
        _since_start(panel, hostile),
        days_since_last(origins, hostile, "recent_days_since_last", CAP_DAYS),
        _shares(panel, counted, what, _left(ahead, rule_window_days, share_windows)),
        _fading(panel, counted, {"recent_fading": what}, fading_half_lives),
        _fading(panel, weighed, {"recent_decayed": what}, half_lives),
        trailing(origins, _daily(party), coded, list(around_windows)),
        trailing(
            origins, _daily(near), _sums("recent_neighbour"), list(around_windows)
        ),
        _by_day(origins, hostile, daily_windows),
    ]
    columns = [part.drop(KEYS) for part in parts]
    return pl.concat([origins, *columns], how="horizontal")


def _daily(events: pl.DataFrame) -> pl.DataFrame:
    """Events and deaths of a day that came, and went, together: fewer rows to sum."""
    return events.group_by(VERSION, maintain_order=True).agg(
        pl.col("deaths").sum(), events=pl.len().cast(pl.Int64)
    )


def _sums(name: str) -> dict[str, pl.Expr]:
    return {f"{name}_{what}": pl.col(what) for what in ("deaths", "events")}


def _since_start(panel: pl.DataFrame, hostile: pl.DataFrame) -> pl.DataFrame:
    ever = trailing(panel, _since(panel, hostile), _sums("recent"), [None])
    return ever.rename(lambda name: name.replace("_ever", "_since_start"))


def _since(panel: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Events after the start of their truce."""
    starts = panel.select("truce_id", "start").unique()
    return events.join(starts, on="truce_id").filter(pl.col("day") > pl.col("start"))


def _of_the_dyad(panel: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Events whose deaths a rule counts: all of the dyad, whatever their kind."""
    truces = panel.select("truce_id", dyad="dyad_id").unique()
    return events.join(truces, on="truce_id").filter(
        pl.col("dyad_id") == pl.col("dyad")
    )


def _left(ahead: Sequence[int], rule: int, windows: Sequence[int]) -> dict[str, int]:
    """Days before the origin that each share of the threshold looks back on."""
    # the day itself takes one of the rule's days, the days ahead the others
    left = {"recent_filled": rule - 1}
    left |= {f"recent_carried_{days}d": max(rule - 1 - days, 0) for days in ahead}
    return left | {f"recent_share_{days}d": days for days in windows}


def _shares(
    panel: pl.DataFrame, counted: pl.DataFrame, what: pl.Expr, left: Mapping[str, int]
) -> pl.DataFrame:
    """What the rule counted in the last days, over the threshold."""
    sums = trailing(panel, counted, {"n": what}, sorted({*left.values()}))
    limit = _threshold(panel)
    share = {name: pl.col(f"n_{days}d") / limit for name, days in left.items()}
    return sums.select(*KEYS, **share)


def _fading(
    panel: pl.DataFrame,
    counted: pl.DataFrame,
    values: Mapping[str, pl.Expr],
    half_lives: Sequence[float],
) -> pl.DataFrame:
    """Decayed sums over the threshold."""
    sums = decayed(panel, counted, values, half_lives)
    return sums.select(*KEYS, pl.exclude(KEYS) / _threshold(panel))


def _threshold(panel: pl.DataFrame) -> pl.Series:
    return panel.select(pl.when(pl.col("threshold") > 0).then("threshold")).to_series()


def _by_day(
    origins: pl.DataFrame, hostile: pl.DataFrame, windows: Sequence[int]
) -> pl.DataFrame:
    """Deadliest day and share of violent days: neither is a sum over events."""
    pairs = usable(origins, hostile, max(windows, default=0))
    days = pairs.group_by("row", "ago").agg(pl.col("deaths").sum())
    told: dict[str, pl.Expr] = {}
    for w in windows:
        within = pl.col("ago") <= w
        told[f"recent_max_day_{w}d"] = pl.col("deaths").filter(within).max()
        # times a number: Polars divides by one differently where there is one row only
        told[f"recent_violent_share_{w}d"] = within.sum() * (1 / w)
    found = measured(origins, days, **told).fill_null(0)
    return pl.concat([origins, found], how="horizontal")
