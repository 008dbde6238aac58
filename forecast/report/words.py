"""What a skill interval allows us to say."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import dataframely as dy
import polars as pl

from forecast.report.figures import many
from forecast.schema import Metrics


class Score(NamedTuple):
    """One cell of the metrics: a value with its interval; None is not known."""

    value: float | None
    lower: float | None
    upper: float | None
    n: int
    n_events: int


UNSCORED = Score(None, None, None, 0, 0)
Lookup = Mapping[tuple[str, int, str], Score]


def lookup(
    metrics: dy.DataFrame[Metrics] | pl.DataFrame,
) -> dict[tuple[str, int, str], Score]:
    """Scores over all forecasts by (model, horizon, metric); NaN reads as not known.

    Parameters
    ----------
    metrics : Metrics
        Only the rows of stratum ``all`` are taken.

    Returns
    -------
    dict

    Examples
    --------
    >>> row = {"model": "m", "horizon": 30, "stratum": "all", "metric": "brier",
    ...        "value": 0.1, "lower": None, "upper": None, "n": 9, "n_events": 2}
    >>> lookup(Metrics.validate(pl.DataFrame([row]), cast=True))["m", 30, "brier"]
    Score(value=0.1, lower=None, upper=None, n=9, n_events=2)
    """
    rows = metrics.filter(pl.col("stratum") == "all").with_columns(
        pl.col("value", "lower", "upper").fill_nan(None)
    )
    return {
        (row["model"], row["horizon"], row["metric"]): Score(
            *(row[name] for name in Score._fields)
        )
        for row in rows.iter_rows(named=True)
    }


def skills(
    scores: Lookup, model: str, horizon: int, named: str, baselines: Iterable[str]
) -> dict[str, Score]:
    """Brier skill of a model over each baseline but itself, the named one first.

    Parameters
    ----------
    scores : Lookup
        From `lookup`.
    model, named : str
        The model that is judged, and the baseline that skill is quoted against.
    horizon : int
        Days.
    baselines : iterable of str

    Returns
    -------
    dict of str to Score
        `UNSCORED` where the metrics hold no such row.

    Examples
    --------
    >>> found = skills({}, "logit", 30, "trail", ["age", "trail"])
    >>> list(found)
    ['trail', 'age']
    """
    names = dict.fromkeys([named, *baselines])
    found = {
        name: scores.get((model, horizon, f"skill_over_{name}"), UNSCORED)
        for name in names
        if name != model
    }
    if named in found and found[named].value is None:
        found[named] = scores.get((model, horizon, "skill"), UNSCORED)
    return found


def verdict(skill: Mapping[str, Score], named: str) -> str:
    """Say no more about a model than its skill intervals allow.

    Parameters
    ----------
    skill : mapping of str to Score
        Skill over each baseline, with its interval.
    named : str
        The baseline that skill is quoted against.

    Returns
    -------
    str
        "better than every baseline" where every lower bound is above 0; "worse than
        NAME" where the upper bound against the baseline named beforehand is below 0;
        "not scored" where nothing is known; otherwise "not told apart from" the named
        baseline, or, where that one is beaten, from the first baseline that is not.
        A baseline picked after the fact allows no word of its own: its interval
        covers less than it says.

    Examples
    --------
    >>> over = lambda low, high: Score((low + high) / 2, low, high, 100, 20)
    >>> verdict({"trail": over(0.02, 0.1), "age": over(0.1, 0.2)}, "trail")
    'better than every baseline'
    >>> verdict({"trail": over(0.02, 0.1), "age": over(-0.1, 0.2)}, "trail")
    'not told apart from age'
    >>> verdict({"trail": over(-0.2, -0.1), "age": over(0.1, 0.2)}, "trail")
    'worse than trail'
    """
    if all(score.value is None for score in skill.values()):
        return "not scored"
    order = sorted(skill, key=lambda name: (name != named, name))
    if named in skill and (skill[named].upper or 0.0) < 0:
        return f"worse than {named}"
    unbeaten = [name for name in order if not (skill[name].lower or 0.0) > 0]
    if unbeaten:
        return f"not told apart from {unbeaten[0]}"
    return "better than every baseline"


def headline(
    metrics: dy.DataFrame[Metrics] | pl.DataFrame,
    *,
    published: str,
    named_baseline: str,
    baselines: Iterable[str],
    level: float = 0.9,
) -> str:
    """The result of a run in one or two plain sentences.

    Parameters
    ----------
    metrics : Metrics
        Needs `skill_over_NAME` for every baseline, at any horizons.
    published : str
        The model declared in advance for the risk scores.
    named_baseline : str
        The baseline that skill is quoted against.
    baselines : iterable of str
    level : float
        What the intervals in the metrics aim to cover.

    Returns
    -------
    str
        What holds at which horizon (see `verdict`), and the figures at 30 days or
        the horizon nearest to it.

    Examples
    --------
    >>> row = {"model": "logit", "horizon": 30, "stratum": "all", "n": 900,
    ...        "metric": "skill_over_trail", "n_events": 150,
    ...        "value": 0.08, "lower": 0.02, "upper": 0.13}
    >>> print(headline(pl.DataFrame([row]), published="logit",
    ...                named_baseline="trail", baselines=["trail"]))
    logit is better than every baseline at 30 days. At 30 days its error (Brier score)
    is 8.0% smaller than that of trail (90% interval: 2.0% smaller to 13.0% smaller).
    """
    scores, rivals = lookup(metrics), tuple(baselines)
    horizons = sorted({horizon for model, horizon, _ in scores if model == published})
    if not horizons:
        return (
            f"There is no skill to report: no forecast of {published} was held "
            "against what happened."
        )
    if published == named_baseline:
        return f"{published} is itself the baseline that the others are held against."
    at = {h: skills(scores, published, h, named_baseline, rivals) for h in horizons}
    said: dict[str, list[int]] = {}
    for horizon in horizons:
        said.setdefault(verdict(at[horizon], named_baseline), []).append(horizon)
    parts = [f"{words} at {days(where)}" for words, where in said.items()]
    horizon = nearest(horizons)
    said_of = figures(at[horizon][named_baseline], named_baseline, level)
    tail = f" At {days([horizon])} {said_of}." if said_of else ""
    *first, last = parts
    joined = f"{', '.join(first)}, and {last}" if first else last
    return f"{published} is {joined}.{tail}"


def figures(skill: Score, named: str, level: float) -> str:
    """Skill in words: so much smaller or larger an error, with its interval."""
    if skill.value is None:
        return ""
    words = f"its error (Brier score) is {_smaller(skill.value)} than that of {named}"
    if skill.lower is None or skill.upper is None:
        return f"{words} (no interval could be computed)"
    low, high = _smaller(skill.lower), _smaller(skill.upper)
    return f"{words} ({level:.0%} interval: {low} to {high})"


def _smaller(skill: float) -> str:
    return f"{abs(skill):.1%} {'larger' if skill < 0 else 'smaller'}"


def moved(points: float) -> str:
    """A difference of two risks in words, in whole points.

    Examples
    --------
    >>> moved(4.6), moved(-1.0), moved(0.4)
    ('5 points more than', '1 point less than', 'as much as')
    """
    whole = round(abs(points))
    if not whole:
        return "as much as"
    return f"{many(whole, 'point')} {'more' if points > 0 else 'less'} than"


def nearest(horizons: Iterable[int], wanted: int = 30) -> int:
    """The horizon nearest to 30 days; the shorter of two that are equally near.

    Examples
    --------
    >>> nearest([7, 14, 90])
    14
    """
    return min(horizons, key=lambda horizon: (abs(horizon - wanted), horizon))


def listed(items: Iterable[object], last: str = "and") -> str:
    """Join items as a sentence would.

    Examples
    --------
    >>> listed([7, 14, 30], "or")
    '7, 14 or 30'
    """
    words = [str(item) for item in items]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def days(horizons: Iterable[int], last: str = "and") -> str:
    """Horizons as a sentence would name them.

    Examples
    --------
    >>> days([1]), days([7, 14])
    ('1 day', '7 and 14 days')
    """
    numbers = list(horizons)
    return f"{listed(numbers, last)} day{'' if numbers == [1] else 's'}"
