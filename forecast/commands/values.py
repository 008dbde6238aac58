"""What values a setting may have, each by itself, and the words that say so."""

from collections.abc import Callable
from datetime import date
from typing import Any

from omegaconf import ListConfig

from forecast.commands import formats
from forecast.kinds import KINDS
from forecast.schema.records import FIRST, LAST

DAY = f"a day, YYYY-MM-DD, of the years {FIRST.year} to {LAST.year}"
#: keys that say what sources of events are for
ROLES = ("features_from", "outcomes_from")
#: days of the longest horizon
LONGEST = 3_650


def whole(low: int) -> Callable[[Any], bool]:
    """Whether a value is a whole number from ``low`` on."""
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= low


def between(low: float, high: float) -> Callable[[Any], bool]:
    """Whether a value is a number from ``low`` to ``high``."""
    return lambda v: (
        isinstance(v, int | float) and not isinstance(v, bool) and low <= v <= high
    )


def rising_days(value: Any) -> bool:
    """Whether a value is a list of days, each longer than the one before."""
    if not isinstance(value, list | ListConfig) or not value:
        return False
    # as far as the frames of results go
    days = all(map(whole(1), value)) and max(value) <= LONGEST
    return days and list(value) == sorted(set(value))


def calendar_day(value: Any) -> bool:
    """Whether a value is a calendar day that records may have, or none."""
    try:
        return value is None or FIRST <= date.fromisoformat(str(value)) <= LAST
    except ValueError:
        return False


def list_of_names(value: Any) -> bool:
    """Whether a value is a list of names, be it empty."""
    return isinstance(value, list | ListConfig) and all(
        isinstance(name, str) for name in value
    )


def some_or_none(value: Any) -> bool:
    """Whether a value is a list of names, at least one, or none."""
    return value is None or (list_of_names(value) and len(value) > 0)


def kinds_of_events(value: Any) -> bool:
    """Whether a value is a list of kinds of events, at least one."""
    return list_of_names(value) and len(value) > 0 and set(value) <= set(KINDS)


def yes_or_no(value: Any) -> bool:
    """Whether a value is true or false."""
    return isinstance(value, bool)


def folder_or_none(value: Any) -> bool:
    """Whether a value is a path of a folder, or none."""
    return value is None or (isinstance(value, str) and bool(value))


RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "seed": (whole(0), "a whole number from 0 on"),
    "horizons": (
        rising_days,
        f"whole days in rising order up to {LONGEST}, as in [7,30]",
    ),
    "draws": (whole(1), "a whole number from 1 on"),
    "refits": (whole(1), "a whole number from 1 on"),
    "jobs": (
        lambda v: v == -1 or whole(1)(v),
        "a whole number from 1 on, or -1 for one process a core",
    ),
    "level": (between(0.01, 0.999), "a share such as 0.9"),
    "max_rejected": (between(0, 1), "a share from 0 to 1"),
    "leave_out": (
        list_of_names,
        "names of features in brackets, as in [recent,design]",
    ),
    **dict.fromkeys(
        ROLES,
        (some_or_none, "names of sources of events in brackets, or null for all"),
    ),
    "explain": (yes_or_no, "true or false"),
    "reasons": (yes_or_no, "true or false"),
    "register": (yes_or_no, "true or false"),
    "cache": (folder_or_none, "a folder, or null for no cache"),
    "resume": (folder_or_none, "the folder of a sweep"),
    "launcher.at_once": (whole(1), "a whole number from 1 on"),
    "launcher.timeout_min": (whole(1), "a whole number from 1 on"),
    "as_of": (calendar_day, DAY),
    "format": (
        formats.known,
        f"{', '.join(formats.FORMATS[:-1])} or {formats.FORMATS[-1]}, or several in "
        "brackets, as in [json,hub]",
    ),
    "first_cutoff": (calendar_day, DAY),
    "split.first": (calendar_day, DAY),
    "split.months": (whole(1), "a whole number from 1 on"),
    "split.gap_days": (whole(0), "a whole number from 0 on"),
    "split.end": (calendar_day, DAY),
    "split.parts": (whole(2), "a whole number from 2 on"),
    "panel.step_days": (whole(1), "a whole number from 1 on"),
    "panel.max_age_days": (whole(1), "a whole number from 1 on"),
    "panel.min_events": (whole(0), "a whole number from 0 on"),
    "panel.weekday": (
        lambda v: whole(1)(v) and v <= 7,
        "a day of the week from 1, Monday, to 7, or null",
    ),
    "panel.before_days": (whole(1), "a whole number from 1 on"),
    "collapse.window_days": (whole(1), "a whole number from 1 on"),
    "collapse.before_days": (whole(1), "a whole number from 1 on"),
    "collapse.share": (between(0, 1000), "a number from 0 on"),
    "collapse.floor": (between(0.5, 1e6), "a number from 0.5 on"),
    "collapse.deaths": (between(0.5, 1e6), "a number from 0.5 on"),
    "collapse.kinds": (
        kinds_of_events,
        "kinds of events in brackets, of: " + ", ".join(KINDS),
    ),
    "truth.seed": (whole(0), "a whole number from 0 on"),
    "truth.conflicts": (whole(1), "a whole number from 1 on"),
    "truth.years": (whole(1), "a whole number from 1 on"),
    "truth.draws": (whole(2), "a whole number from 2 on"),
    "truth.every": (whole(1), "a whole number from 1 on"),
    "tracking.patience": (between(0.1, 86_400), "seconds, such as 10"),
    "patience": (between(0.1, 86_400), "seconds, such as 600"),
    "actors.min_score": (between(0, 100), "a number from 0 to 100"),
}
