"""Which columns say the same thing to an analyst: ten groups, by a word for each.

Windows of one thing stand in for each other, so that a reason can only be told of all
of them together. A new feature joins a group by one line of ``GROUPED``; without one
its columns are a group of their own, by the name of the feature.
"""

from collections.abc import Sequence

#: what the truce has in common with those that it is held against: no reason
AGE = "age"
DEATHS = "deaths in the window"
COURSE = "course of the fighting"
FORCE = "strikes and offensives"
BREACHES = "threats and violations"
OUTSIDERS = "outsiders' attacks"
AROUND = "violence around"
TALKS = "talks"
TERMS = "terms of the truce"
BEFORE = "war and truces before"
REPORTS = "reporting"
#: in the order in which they are told where they weigh the same
GROUPS = (
    *(DEATHS, COURSE, FORCE, BREACHES, OUTSIDERS),
    *(AROUND, TALKS, TERMS, BEFORE, REPORTS),
)
#: columns of two features and more that no line places
OTHER = "other features"

#: group of the columns that begin so; the longest beginning decides
GROUPED = {
    "age": AGE,
    "recent": DEATHS,
    "recent_coded": COURSE,
    "recent_days_since_last": COURSE,
    "recent_events": COURSE,
    "recent_violent_share": COURSE,
    "recent_neighbour": AROUND,
    "war": BEFORE,
    "kinds": COURSE,
    "kinds_strike": FORCE,
    "kinds_offensive": FORCE,
    "kinds_heavy_share": FORCE,
    "kinds_decayed_strike": FORCE,
    "kinds_decayed_offensive": FORCE,
    "kinds_abuse": BREACHES,
    "kinds_threat": BREACHES,
    "kinds_violation": BREACHES,
    "kinds_decayed_threat": BREACHES,
    "kinds_decayed_violation": BREACHES,
    "kinds_rupture": TALKS,
    "kinds_talks": TALKS,
    "kinds_deal": TALKS,
    "kinds_relief": TALKS,
    "trend": COURSE,
    "trend_before": BEFORE,
    "excitation": COURSE,
    "reciprocity": COURSE,
    "outsiders": OUTSIDERS,
    "neighbours": AROUND,
    "history": BEFORE,
    "design": TERMS,
    "talks": TALKS,
    "coverage": REPORTS,
}


def declared(column: str) -> str | None:
    """The line of ``GROUPED`` that places a column; None where there is none.

    Examples
    --------
    >>> declared("recent_events_7d"), declared("recent_filled"), declared("moon_full")
    ('recent_events', 'recent', None)
    """
    parts = column.split("_")
    beginnings = ("_".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((name for name in beginnings if name in GROUPED), None)


def grouped(columns: Sequence[str]) -> dict[str, list[str]]:
    """Columns by group, each in one.

    Parameters
    ----------
    columns : sequence of str
        Names of columns of features.

    Returns
    -------
    dict of str to list of str
        Age first, the ten in their order, and last what no line places: under the name
        of the feature, or as ``other features`` where there are several, because each
        group doubles the work.

    Examples
    --------
    >>> found = grouped(["moon_full", "recent_filled", "age_log", "recent_share_7d"])
    >>> list(found.items())
    [('age', ['age_log']), ('deaths in the window', ['recent_filled',
    'recent_share_7d']), ('moon', ['moon_full'])]
    >>> list(grouped(["moon_full", "sun_spots"]))
    ['other features']
    """
    places = {column: declared(column) for column in columns}
    features = {c.partition("_")[0] for c, place in places.items() if place is None}
    rest = features.pop() if len(features) == 1 else OTHER
    found: dict[str, list[str]] = {name: [] for name in (AGE, *GROUPS, rest)}
    for column, place in places.items():
        found[GROUPED[place] if place else rest].append(column)
    return {name: own for name, own in found.items() if own}
