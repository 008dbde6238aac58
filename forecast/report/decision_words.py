"""What alarms came to, in a table and in words, for a user who must decide."""

import dataframely as dy
import polars as pl

from forecast.report.figures import DASH, decimals
from forecast.schema import Alarms

#: levels of risk, and numbers of truces, that the report speaks of
SHOWN_LEVELS, SHOWN_WATCHED = (0.1, 0.2, 0.3, 0.5), (1.0, 3.0, 5.0, 10.0)


def decisions(alarms: dy.DataFrame[Alarms], model: str, horizon: int) -> pl.DataFrame:
    """What a user would have seen by a few rules, to be read by someone in a hurry.

    Parameters
    ----------
    alarms : Alarms
        Rules that it does not hold are left out.
    model : str
    horizon : int
        Days.

    Returns
    -------
    pl.DataFrame
        `warned` (the rule in words), `said` (a sentence) and the figures behind it:
        `alarmed`, `precision`, `collapses`, `caught`, `sustained`, `lead_days`,
        `false_per_truce_year`; by level, then by number of truces.

    Examples
    --------
    >>> decisions(Alarms.create_empty(), "logit", 30).columns[:2]
    ['warned', 'said']
    """
    level, at = pl.col("rule") == "level", pl.col("at")
    shown = (level & at.is_in(SHOWN_LEVELS)) | (~level & at.is_in(SHOWN_WATCHED))
    own = alarms.filter(
        pl.col("model") == model, pl.col("horizon") == horizon, shown
    ).sort("rule", "at")
    rows = own.rows(named=True)
    rules = [rule_words(row["rule"], row["at"]) for row in rows]
    said = [
        alarm_words(
            row["caught"],
            row["collapses"],
            row["lead_days"],
            row["false_per_truce_year"],
        )
        for row in rows
    ]
    return own.select(
        pl.Series("warned", rules, pl.String),
        pl.Series("said", said, pl.String),
        "alarmed",
        "precision",
        "collapses",
        "caught",
        "sustained",
        "lead_days",
        "false_per_truce_year",
    )


def rule_words(rule: str, at: float) -> str:
    """On what a rule warns.

    Examples
    --------
    >>> rule_words("level", 0.1), rule_words("watch", 3), rule_words("watch", 1)
    ('risk of 10% or more', 'the 3 riskiest truces each week',
     'the riskiest truce each week')
    """
    if rule == "level":
        return f"risk of {at:.0%} or more"
    if at == 1:
        return "the riskiest truce each week"
    return f"the {at:.0f} riskiest truces each week"


def alarm_words(
    caught: int, collapses: int, lead_days: float | None, false_per_truce_year: float
) -> str:
    """What came of warning by a rule.

    Examples
    --------
    >>> alarm_words(23, 61, 18.0, 1.42)
    'caught 23 of 61 collapses, median lead 18 days, 1.4 false alarms a truce-year'
    >>> alarm_words(1, 1, None, 0.0)
    'caught 1 of 1 collapse, by no alarm that lasted, no false alarms'
    >>> alarm_words(0, 0, None, 0.02)
    'no collapse to catch, under 0.1 false alarms a truce-year'
    """
    found = f"caught {caught} of {collapses} collapse{'s' if collapses != 1 else ''}"
    parts = [found if collapses else "no collapse to catch"]
    if lead_days is not None:
        parts.append(f"median lead {lead_days:g} day{'s' if lead_days != 1 else ''}")
    elif caught:
        parts.append("by no alarm that lasted")
    return ", ".join([*parts, _false(false_per_truce_year)])


def _false(a_year: float) -> str:
    if a_year == 0:
        return "no false alarms"
    often = "under 0.1" if a_year < 0.05 else decimals(a_year, 1)
    return f"{often} false alarms a truce-year"


def area_words(published: float | None, named: str, baseline: float | None) -> str:
    """How much less than by guessing is missed, for equal alarm.

    Examples
    --------
    >>> area_words(0.234, "trail", 0.25)
    'area 0.23, that of trail 0.25; guessing has 0.50, the best is near 0'
    >>> area_words(None, "trail", None)
    '–'
    """
    if published is None:
        return DASH
    other = "" if baseline is None else f", that of {named} {decimals(baseline)}"
    return f"area {decimals(published)}{other}; guessing has 0.50, the best is near 0"
