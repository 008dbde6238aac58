"""Other wars around a truce, and other truces of its government."""

from collections.abc import Mapping, Sequence

import dataframely as dy
import polars as pl

from forecast.actors import GOVERNMENT
from forecast.distance import CENTRE, HERE, centres, haversine_km
from forecast.link import country_name
from forecast.pairs import measured, usable
from forecast.schema import Panel, Truces
from forecast.spans import VERSION
from forecast.windows import trailing

#: what an event is usable by


def neighbours(
    panel: dy.DataFrame[Panel],
    events: pl.DataFrame,
    truces: dy.DataFrame[Truces],
    *,
    windows: Sequence[int] = (7, 30, 90),
    active: Sequence[int] = (30, 90),
    near_km: float = 300,
    before_days: int = 365,
    truce_days: int = 90,
    in_force_days: int = 365,
) -> pl.DataFrame:
    """Violence of others in the country and across borders, and other truces.

    Wars feed each other: fighters, arms and refugees cross from one to the next. And
    ceasefires are interdependent: one with a rival frees a government's hands for
    this war, or shows that its word holds, and one that falls shows that it does not.
    Events are hostile ones, deaths that are not known count 0. Other truces are
    records known to the day, counted once an agreement, of which one with several
    groups has a record for each; the truce's own agreement and records of its own
    dyad are no others. They are of the same government if they share a party that is
    a government; where the truce has none, if they share a party and the country.

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`.
    windows : sequence of int
        Days before the origin over which events and deaths of the country are summed.
    active : sequence of int
        Days before the origin over which dyads and conflicts are counted.
    near_km : float
        Kilometres from the truce's centre; no more than that of the links, beyond
        which there are events of the truce's country and conflict only.
    before_days : int
        Days before the start that make the centre, as in the links.
    truce_days : int
        Days before the origin in which other truces begin and end.
    in_force_days : int
        Days after its start for which another truce without a recorded end counts as
        in force: of most, nobody recorded one.

    Returns
    -------
    neighbours_events_<W>d : events
        Hostile events of other dyads than the truce's in its country, outsiders'
        among them, with ``o - W <= e < o``. Null: when the country is not known.
    neighbours_deaths_<W>d : deaths
        Deaths in them. Null: when the country is not known.
    neighbours_dyads_<W>d : dyads
        Distinct dyads in them. Null: when the country is not known.
    neighbours_near_conflicts_<W>d : conflicts
        Distinct conflicts, other than the truce's, of hostile events at most
        ``near_km`` from its centre, in any country, with ``o - W <= e < o``; the
        centre is that of the links, see :func:`forecast.link.link`. Null: when there
        is no centre, because no event of the dyad before the start has a place.
    neighbours_near_events_<W>d : events
        Hostile events of these conflicts there. Null: when there is no centre.
    neighbours_near_deaths_<W>d : deaths
        Deaths in them. Null: when there is no centre.
    neighbours_truces_in_force : agreements
        Other truces of the same government that began at most ``in_force_days``
        before ``o`` and have no end before it on record. Null: never.
    neighbours_truces_begun_<W>d : agreements
        Those that began in ``[o - W, o - 1]``, W = truce_days. Null: never.
    neighbours_truces_ended_<W>d : agreements
        Those with a recorded end in ``[o - W, o - 1]``, W = truce_days, for whatever
        reason. Null: never.
    neighbours_truces_fallen_<W>d : agreements
        Those of them whose recorded reason is collapse. Null: never.

    References
    ----------
    Bara & Clayton (2022), "Your Reputation Precedes You: Ceasefires and Cooperative
    Credibility During Civil Conflict", Journal of Conflict Resolution.

    Lundgren, Svensson & Karakuş (2023), "Local Ceasefires and De-escalation: Evidence
    From the Syrian Civil War", Journal of Conflict Resolution 67(7-8):1350-1375.
    """
    origins = panel.select("truce_id", "origin")
    own = panel.select(
        "truce_id",
        "start",
        own_dyad="dyad_id",
        own_conflict="conflict_id",
        own_country=country_name(),
    ).unique()
    coded = events.join(own, on="truce_id")
    # an origin lies after the start: what is older than this is in no window
    oldest = pl.col("start").dt.offset_by(f"-{max(*windows, *active)}d")
    others = coded.filter(
        pl.col("hostile") & (pl.col("relation") != "party") & (pl.col("day") >= oldest)
    )
    here = others.filter(country_name() == pl.col("own_country"))
    middles = centres(
        coded.filter(pl.col("dyad_id") == pl.col("own_dyad")), before_days
    )
    near = _near(others, middles, near_km)
    country_known = panel["country"].is_not_null()
    centre_known = panel["truce_id"].is_in(middles["truce_id"].implode())
    return pl.concat(
        [
            origins,
            _where(country_known, _sums(origins, here, "neighbours", windows)),
            _where(
                country_known,
                _distinct(origins, here, "dyad_id", "neighbours_dyads", active),
            ),
            _where(
                centre_known,
                _distinct(
                    origins, near, "conflict_id", "neighbours_near_conflicts", active
                ),
            ),
            _where(centre_known, _sums(origins, near, "neighbours_near", active)),
            _truces(panel, truces, truce_days, in_force_days),
        ],
        how="horizontal",
    )


def _near(others: pl.DataFrame, middles: pl.DataFrame, near_km: float) -> pl.DataFrame:
    """Events of other conflicts near the centre of the truce."""
    return (
        others.filter(
            pl.col("conflict_id").is_not_null()
            & pl.col("conflict_id").ne_missing(pl.col("own_conflict"))
        )
        .join(middles, on="truce_id")
        .filter(haversine_km(HERE, CENTRE) <= near_km)
    )


def _where(known: pl.Series, columns: pl.DataFrame) -> pl.DataFrame:
    """Columns, null where nothing is known."""
    return columns.select(pl.when(known).then(pl.all()))


def _sums(
    origins: pl.DataFrame, events: pl.DataFrame, name: str, windows: Sequence[int]
) -> pl.DataFrame:
    values = {
        f"{name}_events": pl.lit(1, pl.Int64),
        f"{name}_deaths": pl.col("deaths").fill_null(0),
    }
    return trailing(origins, events, values, list(windows)).drop("truce_id", "origin")


def _distinct(
    origins: pl.DataFrame,
    events: pl.DataFrame,
    column: str,
    name: str,
    windows: Sequence[int],
) -> pl.DataFrame:
    """Distinct values of a column among the events of each window."""
    slim = events.select(*VERSION, column).drop_nulls(column).unique()
    pairs = usable(origins, slim, max(windows))
    return _counted(
        origins,
        pairs,
        {
            f"{name}_{days}d": pl.col(column).filter(pl.col("ago") <= days)
            for days in windows
        },
    )


def _counted(
    origins: pl.DataFrame, pairs: pl.DataFrame, what: Mapping[str, pl.Expr]
) -> pl.DataFrame:
    """Number of distinct values in the pairs of each origin, 0 without a pair."""
    counts = {name: value.n_unique().cast(pl.Int64) for name, value in what.items()}
    return measured(origins, pairs, **counts).fill_null(0)


def _truces(
    panel: pl.DataFrame, truces: pl.DataFrame, truce_days: int, in_force_days: int
) -> pl.DataFrame:
    """How many other agreements of the government begin, hold, end and fall."""
    origins, others = panel.select("truce_id", "origin"), _others(panel, truces)
    began, ended = pl.col("began"), pl.col("ended")
    known = {"known_until": pl.lit(None, pl.Date)}
    begun = others.with_columns(day=began, known_from=began.dt.offset_by("1d"), **known)
    over = others.filter(ended.is_not_null()).with_columns(
        day=ended,
        known_from=pl.max_horizontal(began, ended).dt.offset_by("1d"),
        **known,
    )
    agreement = pl.col("agreement")
    recent = pl.col("ago") <= truce_days
    still = (pl.col("ago") <= in_force_days) & (
        ended.is_null() | (ended >= pl.col("origin"))
    )
    fallen = pl.col("end_reason") == "collapsed"
    name = "neighbours_truces"
    days = max(truce_days, in_force_days)
    return _counted(
        origins,
        usable(origins, begun, days),
        {
            f"{name}_in_force": agreement.filter(still),
            f"{name}_begun_{truce_days}d": agreement.filter(recent),
        },
    ).hstack(
        _counted(
            origins,
            usable(origins, over, truce_days),
            {
                f"{name}_ended_{truce_days}d": agreement,
                f"{name}_fallen_{truce_days}d": agreement.filter(fallen),
            },
        )
    )


def _others(panel: pl.DataFrame, truces: pl.DataFrame) -> pl.DataFrame:
    """Pairs of a truce of the panel and a record of another of its government."""
    records = truces.select(
        "truce_id",
        "dyad_id",
        "start_precision",
        "end_reason",
        country=country_name(),
        agreement=pl.coalesce("agreement_id", "truce_id"),
        began="start",
        ended=pl.when(pl.col("end_precision") == "day").then("end"),
        party="parties",
    ).explode("party")
    governs = pl.col("party").str.starts_with(GOVERNMENT)
    own = (
        records.join(panel, on="truce_id", how="semi")
        .with_columns(has_government=governs.any().over("truce_id"))
        .filter(governs | ~pl.col("has_government"))
        .select(
            "truce_id", "dyad_id", "country", "agreement", "party", "has_government"
        )
    )
    return (
        own.join(
            records.filter(pl.col("start_precision") == "day"),
            on="party",
            suffix="_other",
        )
        .filter(
            # a record whose dyad is not known may be of this one
            pl.col("dyad_id") != pl.col("dyad_id_other"),
            pl.col("agreement") != pl.col("agreement_other"),
            pl.col("has_government") | (pl.col("country") == pl.col("country_other")),
        )
        .select("truce_id", "began", "ended", "end_reason", agreement="agreement_other")
        .unique()
    )
