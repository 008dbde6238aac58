"""What runs of different labels, side by side, allow us to say."""

from collections.abc import Mapping

import polars as pl

from forecast.compare import verdict
from forecast.report.words import days, listed, nearest

#: a verdict where its object is said elsewhere, and none where nothing was to be told
BARE = {
    "better than": "better",
    "worse than": "worse",
    "not told apart from": "not told apart",
    "not scored": "",
}


def headlines(
    found: pl.DataFrame, titles: Mapping[str, str], published: Mapping[str, str]
) -> list[str]:
    """Skill of the published models, then the order of all, under each label.

    Parameters
    ----------
    found : Beside
    titles : mapping of str to str
        What the label of each run is called, by name of the run.
    published : mapping of str to str
        The model that each run declared in advance.

    Returns
    -------
    list of str
        Nothing is said of differences between labels: their rows are not the same.

    Examples
    --------
    >>> row = {"run": "a", "horizon": 30, "model": "logit", "baseline": "trail",
    ...        "skill": 0.1, "lower": 0.02, "upper": 0.2, "rank": 1, "scored": True,
    ...        "collapses": 90}
    >>> rows = [row, row | {"model": "trail", "skill": None, "rank": 2}]
    >>> for line in headlines(pl.DataFrame(rows), {"a": "declared"}, {"a": "logit"}):
    ...     print(line)
    Under declared logit is better than trail at 30 days.
    At 30 days the lowest Brier score is that of logit under declared.
    """
    own = found.filter(
        pl.col("model") == pl.col("run").replace_strict(dict(published))
    ).sort(pl.col("run").cast(pl.Enum(list(titles))), "horizon")
    return [*_skill(own, titles), *_order(found, titles), *_unscored(found, titles)]


def _skill(own: pl.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """Verdicts by horizon and label; labels of which the same is said go together."""
    of: dict[tuple[str, str], dict[str, list[int]]] = {}
    for row in own.filter(pl.col("skill").is_not_null()).iter_rows(named=True):
        words = verdict(row["skill"], row["lower"], row["upper"])
        at = of.setdefault((row["model"], titles[row["run"]]), {})
        at.setdefault(f"{words} {row['baseline']}", []).append(row["horizon"])
    alike: dict[tuple[str, str], list[str]] = {}
    for (model, title), found in of.items():
        said = ", and ".join(f"{words} at {days(at)}" for words, at in found.items())
        alike.setdefault((model, said), []).append(title)
    return [
        f"Under {listed(where)} {model} is {said}."
        for (model, said), where in alike.items()
    ]


def _order(found: pl.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """Which model comes first under which label, at the horizon nearest to a month."""
    ranked = found.filter(pl.col("rank").is_not_null())
    if ranked.is_empty():
        return []
    month = nearest(ranked["horizon"].unique())
    first: dict[str, list[str]] = {}
    best = ranked.filter(pl.col("horizon") == month, pl.col("rank") == 1)
    for run, title in titles.items():
        names = best.filter(pl.col("run") == run)["model"].sort()
        if names.len():
            first.setdefault(listed(names), []).append(title)
    parts = [f"{model} under {listed(where)}" for model, where in first.items()]
    return [f"At {days([month])} the lowest Brier score is that of {'; '.join(parts)}."]


def _unscored(found: pl.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """Where a label has too few collapses, and how many."""
    few = found.filter(~pl.col("scored")).select("run", "horizon", "collapses").unique()
    lines = []
    for run, title in titles.items():
        own = few.filter(pl.col("run") == run).sort("horizon")
        if own.height:
            counts = listed(own["collapses"])
            lines.append(
                f"{title} is shown and not scored at {days(own['horizon'])}: {counts} "
                "truces are known to collapse so soon after a forecast, too few to "
                "judge by."
            )
    return lines
