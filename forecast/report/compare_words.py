"""What a comparison of runs allows us to say, and what its runs are called."""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from forecast.report.words import Score, days, figures, listed, nearest

#: a verdict where its object is said elsewhere
BARE = {
    "better than": "better",
    "worse than": "worse",
    "not told apart from": "not told apart",
    "not scored": "not scored",
}


def headlines(
    comparison: pl.DataFrame, titles: Mapping[str, str], level: float = 0.9
) -> list[str]:
    """The result of a comparison in a few plain sentences.

    Parameters
    ----------
    comparison : Comparison
        Rows of the stratum ``all`` are read.
    titles : mapping of str to str
        What each run is called, by its name.
    level : float
        What the intervals aim to cover.

    Returns
    -------
    list of str
        For a single run, what holds at which horizon and the figures at 30 days or
        the horizon nearest to it. For several, which are better or worse at that
        horizon, and how many at any other. Models apart where several are compared.

    Examples
    --------
    >>> row = {"run": "b", "model": "logit", "reference_model": "logit",
    ...        "horizon": 30, "stratum": "all", "metric": "skill", "value": -0.08,
    ...        "lower": -0.12, "upper": -0.02, "n": 900, "n_events": 150,
    ...        "verdict": "worse than"}
    >>> print(headlines(pl.DataFrame([row]), {"b": "seed=2"})[0])
    b (seed=2) is worse than the reference at 30 days. At 30 days its error (Brier
    score) is 8.0% larger than that of the reference (90% interval: 12.0% larger to
    2.0% larger).
    """
    skill = comparison.filter(
        pl.col("stratum") == "all", pl.col("metric") == "skill"
    ).sort("horizon")
    contests = skill["reference_model"].unique().sort().to_list()
    said = []
    for model in contests:
        rows = skill.filter(pl.col("reference_model") == model)
        runs = rows["run"].unique().to_list()
        one = len(runs) == 1
        words = _alone(rows, titles, level) if one else _many(rows, titles)
        said += [f"{model}: {line}" if len(contests) > 1 else line for line in words]
    return said


def _alone(rows: pl.DataFrame, titles: Mapping[str, str], level: float) -> list[str]:
    run = rows["run"][0]
    said = run if titles[run] == run else f"{run} ({titles[run]})"
    found: dict[str, list[int]] = {}
    for horizon, verdict in rows.select("horizon", "verdict").iter_rows():
        found.setdefault(verdict, []).append(horizon)
    parts = [f"{_object(verdict)} at {days(at)}" for verdict, at in found.items()]
    month = nearest(rows["horizon"])
    row = rows.row(by_predicate=pl.col("horizon") == month, named=True)
    score = Score(*(row[name] for name in Score._fields))
    error = figures(score, "the reference", level)
    tail = f" At {days([month])} {error}." if error else ""
    return [f"{said} is {', and '.join(parts)}.{tail}"]


def _many(rows: pl.DataFrame, titles: Mapping[str, str]) -> list[str]:
    horizons = rows["horizon"].unique().sort().to_list()
    month = nearest(horizons)
    at = {h: _by_verdict(rows, h, titles) for h in horizons}
    runs = sum(map(len, at[month].values()))
    lines = [f"Of {runs} runs, at {days([month])} {_counts(at[month])}."]
    said: dict[str, list[int]] = {}
    for horizon in horizons:
        if horizon != month:
            said.setdefault(_told(at[horizon]), []).append(horizon)
    if said:
        others = [f"at {days(where)} {words}" for words, where in said.items()]
        lines.append(f"{_capital('; '.join(others))}.")
    return lines


def _counts(at: Mapping[str, Sequence[str]]) -> str:
    """How many runs are told apart at a horizon, and which."""
    parts: list[str] = []
    for verdict in ("better than", "worse than"):
        names = at.get(verdict, [])
        who = f" ({listed(names)})" if names else ""
        of = " than the reference" if not parts else ""
        parts.append(f"{_number(names)} {BARE[verdict]}{of}{who}")
    parts += [
        f"{_number(at[verdict])} {BARE[verdict]}"
        for verdict in ("not told apart from", "not scored")
        if verdict in at
    ]
    return listed(parts)


def _told(at: Mapping[str, Sequence[str]]) -> str:
    better, worse = (len(at.get(v, [])) for v in ("better than", "worse than"))
    if not better + worse:
        return "none is told apart"
    return f"{better or 'none'} {_are(better)} better and {worse or 'none'} worse"


def _by_verdict(
    rows: pl.DataFrame, horizon: int, titles: Mapping[str, str]
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    at = rows.filter(pl.col("horizon") == horizon)
    for run, verdict in at.sort("run").select("run", "verdict").iter_rows():
        found.setdefault(verdict, []).append(titles[run])
    return found


def _number(names: Sequence[str]) -> str:
    return f"{len(names) or 'none'} {_are(len(names))}"


def _are(n: int) -> str:
    return "is" if n < 2 else "are"


def _object(verdict: str) -> str:
    return verdict if verdict == "not scored" else f"{verdict} the reference"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def chance(comparison: pl.DataFrame, level: float) -> str:
    """How many intervals would leave 0 out though no run differed.

    Examples
    --------
    >>> frame = pl.DataFrame({"metric": ["skill"] * 48, "lower": [0.1] * 48})
    >>> chance(frame, 0.9)
    'Of 48 intervals of 90%, some 5 would leave 0 out even if no run differed.'
    """
    n = comparison.filter(
        pl.col("metric") == "skill", pl.col("lower").is_not_null()
    ).height
    missed = round(n * (1 - level))
    if not missed:
        return ""
    return (
        f"Of {n} intervals of {level:.0%}, some {missed} would leave 0 out even if no "
        "run differed."
    )


def unique(titles: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What each run is called: by what differs, and by its name where that is shared.

    Examples
    --------
    >>> unique([("a/1", "seed=2"), ("a/2", "seed=2"), ("a/3", ""), ("a/4", "draws=9")])
    {'a/1': 'seed=2 (a/1)', 'a/2': 'seed=2 (a/2)', 'a/3': 'a/3', 'a/4': 'draws=9'}
    """
    named = list(titles)
    said = [title for _, title in named]
    return {
        name: (f"{title} ({name})" if said.count(title) > 1 else title)
        if title
        else name
        for name, title in named
    }


def order(comparison: pl.DataFrame) -> list[str]:
    """Runs by their skill at the horizon nearest to a month, highest first.

    Examples
    --------
    >>> order(pl.DataFrame({"run": ["b", "c"], "stratum": ["all", "all"],
    ...     "metric": ["skill", "skill"], "horizon": [30, 30], "value": [-0.1, 0.2]}))
    ['c', 'b']
    """
    skill = comparison.filter(pl.col("metric") == "skill", pl.col("stratum") == "all")
    if skill.is_empty():
        return []
    month = nearest(skill["horizon"])
    ranked = skill.filter(pl.col("horizon") == month).sort(
        "value", "run", descending=[True, False], nulls_last=True
    )
    return ranked["run"].to_list()
