"""What a run has to tell, and the names that its scores bear in MLflow."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from mlflow.entities import Metric

from forecast.schema import Metrics

#: before the names of scores that the compare view need not show first, and of those
#: fold by fold; it shows what stands before a stroke as a section
DETAIL, FOLD = "detail/", "fold/"


@dataclass(frozen=True, kw_only=True)
class Results:
    """What there is to log of a finished run.

    Parameters
    ----------
    params : mapping
        Settings of the run, nested as they are. A value that MLflow has no room for, or
        a name that it does not take, goes to the artifact ``params_long.json`` instead.
    metrics : dy.DataFrame[Metrics]
        Scores. Those of the stratum ``all`` are logged as ``METRIC_HORIZONd``, with
        ``_lower`` and ``_upper``; nulls are left out.
    models : mapping of str to mapping
        Parameters of each model's run. A model without a row in `metrics` has failed,
        and so its run says.
    published : str
        The model declared in advance: its scores are the parent's too.
    folder : Path
        Its files become artifacts of the parent run.
    first : collection of str, optional
        Metrics that a reader wants first; others are named ``detail/METRIC_HORIZONd``.
        None: all are.
    folds : pl.DataFrame, optional
        Scores by ``model``, ``horizon``, ``cutoff``, ``metric``, logged as
        ``fold/METRIC_HORIZONd`` with the year of the cutoff as the step, or year and
        month where a year has several cutoffs.
    tags : mapping of str to str, optional
        Of the run and the runs of its models.
    note : str, optional
        What MLflow shows as the description of the run, in Markdown.
    inputs : mapping of str to str, optional
        Digest of each data set by its file or name.
    texts : mapping of str to str, optional
        More artifacts, by path.
    trials : pl.DataFrame, optional
        Settings that a search tried, a run each: columns of
        :class:`forecast.schema.Trials`.
    register : bool
        Whether the published model is registered, as the champion.
    at : int, optional
        When the scores were known, in milliseconds since 1970; now by default. Scores
        that are logged again at the same time are not logged twice.
    """

    params: Mapping[str, Any]
    metrics: dy.DataFrame[Metrics]
    models: Mapping[str, Mapping[str, Any]]
    published: str
    folder: Path
    first: Collection[str] | None = None
    folds: pl.DataFrame | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    trials: pl.DataFrame | None = None
    register: bool = False
    at: int | None = None


def by_model(results: Results, when: int) -> dict[str, list[Metric]]:
    """Scores of each model that has any over all folds, and those of its folds."""
    whole = results.metrics.filter(pl.col("stratum") == "all").sort("metric", "horizon")
    scores = {
        str(model): list(values(part, results.first, when))
        for (model,), part in whole.group_by("model", maintain_order=True)
    }
    folds = _steps(results.folds) if results.folds is not None else pl.DataFrame()
    for row in folds.iter_rows(named=True):
        if row["model"] in scores:
            name = f"{FOLD}{row['metric']}_{row['horizon']}d"
            scores[row["model"]].append(Metric(name, row["value"], when, row["step"]))
    return scores


def _steps(folds: pl.DataFrame) -> pl.DataFrame:
    """Give each fold the year of its cutoff, with the month where that is not one."""
    cutoff = folds["cutoff"].unique().sort()
    year, month = cutoff.dt.year(), cutoff.dt.month().cast(pl.Int32)
    step = year if year.is_unique().all() else year * 100 + month
    steps = pl.DataFrame({"cutoff": cutoff, "step": step})
    return folds.join(steps, on="cutoff", maintain_order="left")


def values(
    scores: pl.DataFrame, first: Collection[str] | None, when: int
) -> Iterator[Metric]:
    """Scores with the ends of their intervals, named; see :class:`Results`."""
    for row in scores.iter_rows(named=True):
        place = "" if first is None or row["metric"] in first else DETAIL
        name = f"{place}{row['metric']}_{row['horizon']}d"
        for column, suffix in (("value", ""), ("lower", "_lower"), ("upper", "_upper")):
            if row[column] is not None:
                yield Metric(name + suffix, row[column], when, 0)
