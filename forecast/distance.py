"""How far apart places are, and which events lie near the centre of a truce."""

import math

import polars as pl

EARTH_KM = 6371.0
#: a place: the columns of its latitude and longitude, in degrees
Place = tuple[str, str]
HERE: Place = ("latitude", "longitude")
CENTRE: Place = ("centre_latitude", "centre_longitude")
#: parts of the earth's radius in which directions are summed: 6 mm
PARTS = 1e9


def haversine_km(one: Place, other: Place) -> pl.Expr:
    """Great-circle distance between two places, on a sphere of radius 6371 km.

    ``2 R asin(sqrt(sin²(Δφ / 2) + cos φ₁ cos φ₂ sin²(Δλ / 2)))``, with latitudes φ and
    longitudes λ.

    Parameters
    ----------
    one, other : pair of str
        Columns of latitude and longitude, in degrees.

    Returns
    -------
    pl.Expr
        Kilometres, from 0 to 20 015; null where a coordinate is.

    References
    ----------
    Sinnott (1984), "Virtues of the Haversine", Sky and Telescope 68(2):159.

    Examples
    --------
    >>> cities = pl.DataFrame({"a": [36.20], "b": [37.13], "c": [33.51], "d": [36.29]})
    >>> aleppo, damascus = ("a", "b"), ("c", "d")
    >>> cities.select(haversine_km(aleppo, damascus).round()).item()
    309.0
    """
    (lat, lon), (to_lat, to_lon) = (
        (pl.col(column).radians() for column in place) for place in (one, other)
    )
    north, east = (
        ((to - at) / 2).sin() ** 2 for at, to in ((lat, to_lat), (lon, to_lon))
    )
    half_chord = (north + lat.cos() * to_lat.cos() * east).sqrt()
    # rounding puts antipodes a hair beyond the diameter
    return 2 * EARTH_KM * half_chord.clip(upper_bound=1).arcsin()


def centres(events: pl.DataFrame, before_days: int) -> pl.DataFrame:
    """Mean place of each truce's dyad before the start, as known the morning after it.

    The mean is that of directions from the middle of the earth, so that it holds
    across the 180th meridian. What becomes known or is revised later never moves it.

    Parameters
    ----------
    events : pl.DataFrame
        Events of the dyad of each truce: ``truce_id``, ``start``, ``day``,
        ``known_from``, ``known_until``, ``latitude``, ``longitude``.
    before_days : int
        Days before the start that count; the start itself does too.

    Returns
    -------
    pl.DataFrame
        ``truce_id``, ``centre_latitude``, ``centre_longitude``; no row for a truce
        without a place. Sorted by ``truce_id``.
    """
    start, day, until = pl.col("start"), pl.col("day"), pl.col("known_until")
    morning = start.dt.offset_by("1d")
    lat, lon = (pl.col(column).radians() for column in HERE)
    x, y, z = (
        # whole numbers, whose sum does not depend on the order of rows
        (PARTS * axis).round().cast(pl.Int64).sum().alias(name)
        for name, axis in (
            ("x", lat.cos() * lon.cos()),
            ("y", lat.cos() * lon.sin()),
            ("z", lat.sin()),
        )
    )
    across = (pl.col("x") ** 2.0 + pl.col("y") ** 2.0).sqrt()
    return (
        events.filter(
            (day <= start)
            & ((start - day).dt.total_days() <= before_days)
            & (pl.col("known_from") <= morning)
            & (until.is_null() | (until > morning))
            & pl.all_horizontal(pl.col(*HERE).is_not_null())
        )
        .group_by("truce_id")
        .agg(x, y, z)
        # opposite places have no middle
        .filter(pl.any_horizontal(pl.col("x", "y", "z") != 0))
        .select(
            "truce_id",
            pl.arctan2(pl.col("z"), across).degrees().alias(CENTRE[0]),
            pl.arctan2(pl.col("y"), pl.col("x")).degrees().alias(CENTRE[1]),
        )
        .sort("truce_id")
    )


def nearby(truces: pl.DataFrame, events: pl.DataFrame, near_km: float) -> pl.DataFrame:
    """Pairs of truces and events within a radius of the centre and some days.

    Only truces and events of the same year and band of latitude are compared, so that
    the pairs stay few: a band is as high as the radius, and a truce reaches into its
    own and those beside it.

    Parameters
    ----------
    truces : pl.DataFrame
        ``first`` and ``last`` day, ``centre_latitude``, ``centre_longitude``, and
        whatever is wanted.
    events : pl.DataFrame
        ``day``, ``latitude``, ``longitude``, and whatever is wanted.
    near_km : float
        Radius in kilometres, itself included.

    Returns
    -------
    pl.DataFrame
        Columns of both, without the coordinates; in no order.
    """
    # a hair more than the radius, for rounding
    reach = 1.0001 * math.degrees(near_km / EARTH_KM)
    height = max(reach, 1.0)
    centre = pl.col(CENTRE[0])
    south, north = (
        ((centre + side) / height).floor().cast(pl.Int64) for side in (-reach, reach)
    )
    first, last = (pl.col(side).dt.year() for side in ("first", "last"))
    cells = (
        truces.lazy()
        .with_columns(band=pl.int_ranges(south, north + 1))
        .explode("band")
        .with_columns(year=pl.int_ranges(first, last + 1))
        .explode("year")
    )
    return (
        events.lazy()
        .filter(pl.all_horizontal(pl.col(*HERE).is_not_null()))
        .with_columns(
            band=(pl.col(HERE[0]) / height).floor().cast(pl.Int64),
            year=pl.col("day").dt.year().cast(pl.Int64),
        )
        .join(cells, on=["band", "year"])
        .filter(
            pl.col("day").is_between("first", "last"),
            haversine_km(HERE, CENTRE) <= near_km,
        )
        .drop("band", "year", *HERE, *CENTRE)
        .collect()
    )
