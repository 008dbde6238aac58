"""Which event bears on which truce: of a party, of an outsider, or of a neighbour."""

from datetime import timedelta
from typing import Any

import dataframely as dy
import polars as pl

from forecast.actors import civilian
from forecast.distance import HERE, centres, nearby
from forecast.schema import LAST_DAY, Actors, Events, Links, Truces

KEYS = ("event_id", "known_from")


def link(
    truces: dy.DataFrame[Truces],
    events: dy.DataFrame[Events],
    actors: dy.DataFrame[Actors] | None = None,
    *,
    before_days: int = 365,
    after_days: int = 365,
    near_km: float = 300,
) -> dy.DataFrame[Links]:
    """Link events to the truces that they bear on.

    An event has one relation to a truce, the first that fits:

    ``party``
        it is of the truce's dyad, or, where it has no dyad, between its parties;
    ``outsider``
        in the same conflict or country, another armed group fights one of the
        parties, or a group that the truce excludes by name takes part;
    ``neighbour``
        anything else in the same conflict or country, and hostile events of other
        dyads, of any country, near the truce's centre: violence spills over borders.

    The centre is the mean place of the dyad's events in the days before the start, as
    known on the morning after it, so that no later revision moves it (see
    :func:`forecast.distance.centres`). Without a place there is none.

    Where an event has no dyad, its actors may be of any country: it is also linked to
    the truces whose parties or excluded groups it names.

    Parameters
    ----------
    truces, events : frames
        All records.
    actors : frame, optional
        What the names of events without a dyad stand for, see
        :func:`forecast.actors.resolve`; without it, names must be those of parties.
    before_days, after_days : int
        An event is linked if its last day lies within these many days of the start.
    near_km : float
        Kilometres from the centre, along a great circle, that are near.

    Returns
    -------
    dy.DataFrame[Links]
        Sorted by its key.
    """
    dated = truces.filter(pl.col("start").is_not_null()).select(
        "truce_id",
        "dyad_id",
        "conflict_id",
        "parties",
        "excluded",
        "start",
        country=country_name(),
        first=pl.col("start") - timedelta(days=before_days),
        last=pl.col("start") + timedelta(days=after_days),
        members=pl.col("parties").list.concat("excluded"),
    )
    slim = resolved(events, actors).select(
        *KEYS,
        "dyad_id",
        "conflict_id",
        "actor_a",
        "actor_b",
        "known_until",
        "hostile",
        *HERE,
        country=country_name(),
        day=LAST_DAY,
        # talks with a mediator or violence against civilians are no fights of groups
        fight=pl.col("hostile")
        & (pl.col("kind") != "abuse")
        & ~civilian("actor_a")
        & ~civilian("actor_b"),
    )
    near = pl.concat(
        [
            *(_pairs(dated, slim, on) for on in ("dyad_id", "conflict_id", "country")),
            _pairs(dated.explode("members"), _named(slim), "members"),
        ]
    ).unique(["truce_id", *KEYS], keep="first", maintain_order=True)
    related = near.with_columns(relation=_relation()).filter(
        # one party alone, far from the truce's country, is nobody's neighbour
        (pl.col("relation") != "neighbour") | pl.col("near")
    )
    around = _around(dated, slim, before_days, near_km)
    links = pl.concat([related.select(around.columns), around])
    return Links.validate(
        links.unique(["truce_id", *KEYS], keep="first", maintain_order=True).sort(
            "event_id", "known_from", "truce_id"
        ),
        cast=True,
    )


def linked(
    events: dy.DataFrame[Events],
    links: dy.DataFrame[Links],
    actors: dy.DataFrame[Actors] | None = None,
) -> pl.DataFrame:
    """Events beside the truces they bear on: what a feature is computed from.

    Parameters
    ----------
    events, links : frames
        Events and their links.
    actors : frame, optional
        As in :func:`link`: an event without a dyad then names the parties themselves,
        so that a feature can tell who acted on whom.

    Returns
    -------
    pl.DataFrame
        One row an event version and truce: all columns of
        :class:`~forecast.schema.Events`, ``truce_id``, ``relation`` and ``day``, the
        last day of the event. Sorted by ``truce_id``, ``day`` and key.
    """
    return (
        links.join(resolved(events, actors), on=KEYS)
        .with_columns(day=LAST_DAY)
        .sort("truce_id", "day", *KEYS)
    )


def bearing(
    truces: dy.DataFrame[Truces],
    origins: pl.DataFrame,
    events: dy.DataFrame[Events],
    names: dy.DataFrame[Actors],
    **settings: Any,
) -> pl.DataFrame:
    """Events that bear on the truces of some origins.

    Parameters
    ----------
    truces, events : frames
        All records.
    origins : pl.DataFrame
        ``truce_id`` of the truces that are followed.
    names : frame
        As in :func:`link`.
    **settings
        Of :func:`link`, such as ``after_days``.

    Returns
    -------
    pl.DataFrame
        See :func:`linked`.
    """
    followed = truces.join(origins.select("truce_id"), on="truce_id", how="semi")
    links = link(Truces.validate(followed), events, names, **settings)
    return linked(events, links, names)


def resolved(
    events: dy.DataFrame[Events], actors: dy.DataFrame[Actors] | None
) -> dy.DataFrame[Events]:
    """Events without a dyad, with the names of parties in place of their own.

    Parameters
    ----------
    events : frame
        All versions of events.
    actors : frame or None
        What their names stand for, see :func:`forecast.actors.resolve`; None: nothing
        but what they say.

    Returns
    -------
    dy.DataFrame[Events]
        In their order. A name that stands for no party stays.
    """
    if actors is None or actors["party"].drop_nulls().is_empty():
        return events
    party = actors.filter(pl.col("party").is_not_null())
    bare = pl.col("dyad_id").is_null()
    return Events.validate(
        events.with_columns(
            pl.when(bare)
            .then(pl.col(column).replace(party["actor"], party["party"]))
            .otherwise(column)
            .alias(column)
            for column in ("actor_a", "actor_b")
        )
    )


def country_name() -> pl.Expr:
    """Country name without what sources put behind it ("Myanmar (Burma)")."""
    return pl.col("country").str.replace(r"[,(].*$", "").str.strip_chars()


def _named(events: pl.DataFrame) -> pl.DataFrame:
    """Events without a dyad, once for each of their actors, in ``members``."""
    bare = events.filter(pl.col("dyad_id").is_null())
    return pl.concat(
        bare.filter(pl.col(column).is_not_null()).with_columns(members=column)
        for column in ("actor_a", "actor_b")
    )


def _around(
    truces: pl.DataFrame, events: pl.DataFrame, before_days: int, near_km: float
) -> pl.DataFrame:
    """Hostile events of other dyads near the centre of a truce, as neighbours."""
    days = ["day", "known_from", "known_until"]
    of_dyad = truces.select("truce_id", "start", "dyad_id").join(
        events.select("dyad_id", *days, *HERE), on="dyad_id"
    )
    centred = truces.select("truce_id", "first", "last", own="dyad_id").join(
        centres(of_dyad, before_days), on="truce_id"
    )
    hostile = events.filter("hostile").select(*KEYS, "day", "dyad_id", *HERE)
    return (
        nearby(centred, hostile, near_km)
        .filter(pl.col("dyad_id").ne_missing(pl.col("own")))
        .select(*KEYS, "truce_id", relation=pl.lit("neighbour"))
    )


def _pairs(truces: pl.DataFrame, events: pl.DataFrame, on: str) -> pl.DataFrame:
    columns = [c for c in events.columns if c != on]
    return (
        truces.lazy()
        .join(events.lazy(), on=on, suffix="_of_event")
        .filter(pl.col("day").is_between("first", "last"))
        .with_columns(same_dyad=_same("dyad_id", on))
        .select(
            "truce_id",
            "parties",
            "excluded",
            "same_dyad",
            *(c for c in columns if c in (*KEYS, "actor_a", "actor_b", "fight")),
            no_dyad=(
                pl.lit(False)
                if on == "dyad_id"
                else pl.col("dyad_id_of_event").is_null()
            ),
            near=pl.lit(on != "members"),
        )
        .collect()
    )


def _same(column: str, on: str) -> pl.Expr:
    if column == on:
        return pl.lit(True)
    return (pl.col(column) == pl.col(f"{column}_of_event")).fill_null(False)


def _relation() -> pl.Expr:
    def takes_part(column: str, actor: str) -> pl.Expr:
        return pl.col(column).list.contains(pl.col(actor)).fill_null(False)

    a, b = takes_part("parties", "actor_a"), takes_part("parties", "actor_b")
    between = pl.col("no_dyad") & a & b & (pl.col("actor_a") != pl.col("actor_b"))
    named = takes_part("excluded", "actor_a") | takes_part("excluded", "actor_b")
    fought = (a | b) & pl.col("fight")
    return (
        pl.when(pl.col("same_dyad") | between.fill_null(False))
        .then(pl.lit("party"))
        .when(named | fought)
        .then(pl.lit("outsider"))
        .otherwise(pl.lit("neighbour"))
    )
