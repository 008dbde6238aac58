"""From frames of events and of truces to a table of risks, in a notebook.

Neither Hydra nor MLflow: what `forecast score` does with a model that was written as
JSON, as one function.
"""

import tempfile
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import dataframely as dy
import polars as pl

from forecast import collapse, reference
from forecast.about import FEATURES
from forecast.actors import resolve, without_ids
from forecast.backtest import rows
from forecast.events.table import table as events_of
from forecast.explain.reasons import reasons
from forecast.features import compute
from forecast.gone import gone
from forecast.link import bearing, resolved
from forecast.panel import known, panel
from forecast.publish import Published, risk_scores
from forecast.raw import InputError
from forecast.record import data_digest
from forecast.schema import (
    Events,
    LeftOut,
    Panel,
    Reasons,
    Rejected,
    RiskScores,
    Truces,
)
from forecast.truces.table import table as truces_of


class Risks(NamedTuple):
    """Risks of the truces in force, why, and what could not be used."""

    scores: dy.DataFrame[RiskScores]
    reasons: dy.DataFrame[Reasons]
    #: rows of either frame; ``line`` counts them from 1
    rejected: dy.DataFrame[Rejected]
    #: records of truces that are not scored, by reason
    left_out: dy.DataFrame[LeftOut]


def risks(
    events: pl.DataFrame,
    truces: pl.DataFrame,
    as_of: date | str,
    model: Path | str,
    *,
    level: float = 0.9,
    **following: Any,
) -> Risks:
    """Risk of collapse of each truce in force on a morning, by what was known then.

    Parameters
    ----------
    events : pl.DataFrame
        At least ``event_id``, ``date`` and ``kind``; ``dyad_id`` leads to the truce.
        See :func:`forecast.events.table.table`.
    truces : pl.DataFrame
        At least ``truce_id`` and ``start``; followed are those with a ``dyad_id``. See
        :func:`forecast.truces.table.table`.
    as_of : date or str
        The morning, as a date or as YYYY-MM-DD.
    model : path
        A ``model.json``: ``data/reference/model.json``, or that of a run of `core`.
    level : float
        Of the refit interval.
    **following
        Settings of :func:`forecast.panel.panel` that differ from the model's own, such
        as ``min_events=0``.

    Returns
    -------
    Risks

    Raises
    ------
    forecast.raw.InputError
        If a column is missing or unknown, no row can be used, the morning is no day,
        or the model cannot be read.
    """
    published, about = reference.read(Path(model))
    morning = _day(as_of)
    said = _loaded("events", events, events_of)
    records = _loaded("truces", truces, truces_of)
    own = Truces.validate(records.frame)
    rule = partial(getattr(collapse, about["label"]), **about["rule"])
    settings = about["panel"] | following
    then = known(Events.validate(said.frame), morning)
    names = resolve(without_ids(then), own)
    decisive = resolved(then, names)
    in_force, left = panel(own, decisive, morning, rule, as_of=morning, **settings)
    days = settings["max_age_days"]
    near = bearing(own, in_force, then, names, after_days=days)
    frames = {
        group: compute(
            {name: partial(FEATURES[name], **s) for name, s in about[group].items()},
            in_force,
            near,
            own,
        )
        for group in ("features", "baseline_features")
    }
    told = why(published, in_force, frames["features"])
    scores = risk_scores(
        published,
        in_force,
        frames["features"],
        frames["baseline_features"],
        own,
        run_id=about["experiment"],
        data_digest=data_digest(said.files | records.files),
        level=level,
        reasons=told,
    )
    ended = gone(own, decisive, morning, rule, about["label"], **settings)
    both = pl.concat([left.select("reason"), ended.select("reason")])
    counts = both.group_by("reason").len("n").sort("reason")
    return Risks(
        scores,
        told,
        Rejected.validate(pl.concat([said.rejected, records.rejected])),
        LeftOut.validate(
            counts.select(pl.lit("truces").alias("source"), "reason", "n"), cast=True
        ),
    )


def why(
    published: Published, in_force: dy.DataFrame[Panel], features: pl.DataFrame
) -> dy.DataFrame[Reasons]:
    """Why each truce has the risk that a published model gives it.

    Parameters
    ----------
    published : Published
        With the typical rows that its risks are held against.
    in_force : dy.DataFrame[Panel]
        One origin a truce.
    features : pl.DataFrame
        Keyed features of these origins.

    Returns
    -------
    dy.DataFrame[Reasons]

    Raises
    ------
    ValueError
        If the model was published without typical rows.
    """
    if published.typical is None:
        raise ValueError(
            "the model was published by a version that kept no typical "
            "row; fit it again"
        )
    return reasons(
        published.name,
        published.model,
        published.typical,
        in_force,
        rows(features, in_force),
        published.horizons,
        published.label,
    )


def _day(as_of: date | str) -> date:
    try:
        return date.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    except ValueError as error:
        raise InputError(
            f"as_of={as_of!r} is no day; expected a date or YYYY-MM-DD"
        ) from error


def _loaded(kind: str, frame: pl.DataFrame, load: Any) -> Any:
    """A frame through the loader of tables, which checks every cell."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{kind}.parquet")
        frame.write_parquet(path)
        return load(path)
