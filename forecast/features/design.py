"""What the parties agreed on, and what its clock and the calendar say."""

from collections.abc import Sequence
from datetime import date, timedelta

import dataframely as dy
import polars as pl

from forecast.schema import CLASSES, FIRST, LAST, SIDES, Panel, Truces
from forecast.truces.ethprio import PURPOSES

UNCLEAR = "unclear"
CODED = tuple(word for word in PURPOSES.values() if word != UNCLEAR)
#: month and day of the feasts at which truces are called
CHRISTMAS = ((12, 25), (1, 1))
#: the first of Shawwal and the tenth of Dhu al-Hijja
EIDS = ((10, 1), (12, 10))


def design(
    panel: dy.DataFrame[Panel],
    events: pl.DataFrame,
    truces: dy.DataFrame[Truces],
    *,
    ends_within: Sequence[int] = (7, 14, 30, 90),
    mark_every: int = 30,
    mark_within: int = 7,
    feast_within: int = 14,
    purposes: Sequence[str] = CODED,
) -> pl.DataFrame:
    """Class, side, form, term and purpose of the truce, and the feasts ahead.

    Stronger agreements last longer (Fortna 2003), definitive ones longer than
    preliminary ones and these longer than cessations of hostilities (Clayton & Sticher
    2021). A truce is in question when its term runs out, and at whole months, which
    is what terms and reviews are counted in. Fighting ebbs at some feasts and is
    planned for others (Hassner 2011; Reese, Ruby & Pape 2017), and a truce that was
    called for a feast has lost its reason after it.

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`; events are not used.
    ends_within : sequence of int
        Days from the origin on in which the term may run out.
    mark_every, mark_within : int
        Days between the marks of a truce's age, and days from the origin on in which
        one may lie.
    feast_within : int
        Days from the origin on in which a feast may lie.
    purposes : sequence of str
        Purposes that get a column, as records have them; by default those of ETH/PRIO.

    Returns
    -------
    design_unilateral, design_bilateral, design_multilateral : 0 or 1
        Who declared the truce. Null: when not coded.
    design_cessation, design_preliminary, design_definitive : 0 or 1
        Class of the agreement. Null: when not coded.
    design_written, design_mediated, design_enforced : 0 or 1
        Whether there is a text, a mediator, a mechanism of enforcement. Null: when
        not coded.
    design_for_<purpose> : 0 or 1
        Whether it is one of the declared purposes, of which there may be several.
        Null: when none is coded but "unclear".
    design_term_days : days
        Announced length. Null: when the truce has no term, or none is coded.
    design_days_left : days
        Term - age: ``start + term - o``; 1 on the last day of the term, negative when
        it is over. Null: as ``design_term_days``.
    design_ends_<W>d : 0 or 1
        Whether the last day of the term is one of the W days from ``o`` on:
        1 <= ``design_days_left`` <= W. Null: as ``design_term_days``.
    design_mark_<W>d : 0 or 1
        Whether the truce is a multiple of ``mark_every`` (30) days old on one of the
        W days from ``o`` on. Null: never.
    design_christmas_<W>d : 0 or 1
        Whether 25 December or 1 January is one of the W days from ``o`` on. Null:
        never.
    design_eid_<W>d : 0 or 1
        Whether the first day of Eid al-Fitr or of Eid al-Adha is one of the W days
        from ``o`` on, by the tabular Islamic calendar, which is within a day or two of
        the moon that is seen. Null: never.

    References
    ----------
    Fortna (2003), "Scraps of Paper? Agreements and the Durability of Peace",
    International Organization 57(2):337-372.

    Clayton & Sticher (2021), "The Logic of Ceasefires in Civil War", International
    Studies Quarterly 65(3).

    Hassner (2011), "Sacred Time and Conflict Initiation", Security Studies
    20(4):491-520.

    Reese, Ruby & Pape (2017), "Days of Action or Restraint? How the Islamic Calendar
    Impacts Violence", American Political Science Review 111(3):439-459.
    """
    del events
    left = pl.col("term_days") - pl.col("age_days")
    agreed = truces.select(
        "truce_id",
        "term_days",
        *((pl.col("side") == word).alias(f"design_{word}") for word in SIDES),
        *((pl.col("class") == word).alias(f"design_{word}") for word in CLASSES),
        *_purposes(purposes),
        design_written="written",
        design_mediated="mediated",
        design_enforced="enforcement",
    )
    feasts = {"christmas": _christmas(), "eid": _eids()}
    return (
        panel.select("truce_id", "origin", "age_days")
        .join(agreed, on="truce_id", how="left", maintain_order="left")
        .with_columns(
            *(left.is_between(1, w).alias(f"design_ends_{w}d") for w in ends_within),
            _mark(mark_every, mark_within).alias(f"design_mark_{mark_within}d"),
            *(
                _ahead(panel, days, feast_within).alias(
                    f"design_{name}_{feast_within}d"
                )
                for name, days in feasts.items()
            ),
            design_term_days="term_days",
            design_days_left=left,
        )
        .drop("term_days", "age_days")
    )


def _purposes(words: Sequence[str]) -> list[pl.Expr]:
    coded = pl.col("purposes").list.set_difference([UNCLEAR]).list.len() > 0
    return [
        pl.when(coded)
        .then(pl.col("purposes").list.contains(word))
        .alias(f"design_for_{word.replace(' ', '_')}")
        for word in words
    ]


def _mark(every: int, within: int) -> pl.Expr:
    """Whether a multiple of ``every`` lies in age, age + 1, .. age + within - 1."""
    age = pl.col("age_days")
    return (age + within - 1) // every > (age - 1) // every


def _ahead(panel: pl.DataFrame, days: Sequence[date], within: int) -> pl.Series:
    """Whether one of some days is one of those from the origin on."""
    feasts = pl.Series(sorted(days))
    first = feasts.search_sorted(panel["origin"], "left")
    return feasts.gather(first) - panel["origin"] < timedelta(days=within)


def _christmas() -> list[date]:
    years = range(FIRST.year, LAST.year + 2)
    return [date(year, month, day) for year in years for month, day in CHRISTMAS]


def _eids() -> list[date]:
    """First days of both Eids by the tabular calendar, in the years of all frames."""
    years = range(_islamic_year(FIRST), _islamic_year(LAST) + 2)
    return [islamic(year, month, day) for year in years for month, day in EIDS]


def islamic(year: int, month: int, day: int) -> date:
    """Gregorian day of a day of the tabular Islamic calendar.

    Its months have 30 and 29 days in turn, and 11 of 30 years a day more (Reingold &
    Dershowitz 2018, Calendrical Calculations, Cambridge University Press).

    Parameters
    ----------
    year, month, day : int
        Year of the Hijra, month from 1 (Muharram) to 12, and day of the month.

    Returns
    -------
    date

    Examples
    --------
    >>> islamic(1, 1, 1)
    datetime.date(622, 7, 19)
    """
    days_of_years = 354 * (year - 1) + (11 * year + 3) // 30
    days_of_months = (59 * (month - 1) + 1) // 2
    # the calendar begins on 19 July 622
    return date.fromordinal(227_014 + days_of_years + days_of_months + day)


def _islamic_year(day: date) -> int:
    """The year of the Hijra, or the one before it."""
    return (day.toordinal() - 227_015) * 30 // 10_631
