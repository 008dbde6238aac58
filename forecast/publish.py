"""The published model: fitted on all that is known, kept without pickle, and scored.

Its intervals come from refits on resampled dyads, see :mod:`forecast.refits`.
"""

import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
from joblib import delayed

from forecast.backtest import Model, NothingToLearn, fitted, rows, sound
from forecast.explain.drivers import drivers
from forecast.explain.typical import Typical, restored, seen, typical, written
from forecast.panel import COLLAPSE
from forecast.provenance import trusted
from forecast.ranges import Ranges, ranges
from forecast.raw import InputError
from forecast.refits import resampled, with_interval
from forecast.schema import Panel, Reasons, RiskScores, Truces
from forecast.threads import side_by_side

#: rows on which a model must show that it says risks, before it is published
SOME = 100
#: types beside the project's own that a model file may hold and skops does not know
TRUSTED = (
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)


@dataclass(frozen=True)
class Published:
    """A fitted model, its refits, the baseline beside it, and a typical row."""

    name: str
    model: Model
    refits: tuple[Model, ...]
    baseline_name: str
    baseline: Model
    horizons: tuple[int, ...]
    label: str
    trained_through: date
    #: what risks are held against in their reasons; None in files of before
    typical: Typical | None = None
    #: lowest and highest value of each column in training
    seen: Ranges = field(default_factory=dict)


def publish(
    name: str,
    model: Model,
    features: pl.DataFrame,
    baseline_name: str,
    baseline: Model,
    baseline_features: pl.DataFrame,
    panel: dy.DataFrame[Panel],
    *,
    label: str,
    horizons: Sequence[int],
    trained_through: date,
    refits: int = 20,
    seed: int = 1,
    done: Callable[[str], None] = lambda _: None,
    jobs: int = 1,
) -> Published:
    """Fit the published model, its refits on resampled dyads, and its baseline.

    Parameters
    ----------
    name, model, features
        The model that was declared for the risk scores, and what it sees.
    baseline_name, baseline, baseline_features
        The naive model whose risk stands beside it.
    panel : dy.DataFrame[Panel]
        All origins, as known on the day after ``trained_through``.
    label : str
        Name of the collapse rule.
    horizons : sequence of int
        Days.
    trained_through : date
        Last day whose events the panel knows.
    refits : int
        Number of refits; a resample that holds no collapse within the longest
        horizon is drawn again.
    seed : int
        Of the resampling.
    done : callable
        Told of each fit.
    jobs : int
        Processes that refit side by side; -1: one a core. It changes no fit.

    Returns
    -------
    Published

    Raises
    ------
    ValueError
        If the panel holds no collapse within the longest horizon, the model cannot be
        fitted, or what it says are no risks.
    """
    near = (panel["event"] == COLLAPSE) & (panel["duration"] <= max(horizons))
    if not near.any():
        raise NothingToLearn(
            f"nothing to publish: no collapse within {max(horizons)} days of any of "
            f"{panel.height} origins"
        )

    def learned(fit: Callable[[], Any]) -> Any:
        try:
            result = fit()
        except ValueError as error:
            raise NothingToLearn(f"{name} cannot be fitted: {error}") from error
        done(name)
        return result

    rng = np.random.default_rng(seed)
    whole = learned(lambda: fitted(model, features, panel))
    some = rows(features, panel).head(SOME)
    try:
        sound(np.asarray(whole.predict_risk(some)), (some.height, len(horizons)))
    except ValueError as error:
        raise NothingToLearn(f"{name} cannot be used: {error}") from error
    tasks = (
        delayed(fitted)(model, features, resampled(panel, near, rng))
        for _ in range(refits)
    )
    found = side_by_side(tasks, jobs)
    again = [learned(lambda: next(found)) for _ in range(refits)]
    X = rows(features, panel)
    looked_at = X.select(seen(whole, X.columns))
    return Published(
        name,
        whole,
        tuple(again),
        baseline_name,
        learned(lambda: fitted(baseline, baseline_features, panel)),
        tuple(horizons),
        label,
        trained_through,
        typical=typical(looked_at, panel["age_days"]),
        seen=ranges(looked_at),
    )


def risk_scores(
    published: Published,
    panel: dy.DataFrame[Panel],
    features: pl.DataFrame,
    baseline_features: pl.DataFrame,
    truces: dy.DataFrame[Truces],
    *,
    run_id: str,
    data_digest: str,
    level: float = 0.9,
    reasons: dy.DataFrame[Reasons] | None = None,
) -> dy.DataFrame[RiskScores]:
    """Score truces in force, each at every horizon.

    Parameters
    ----------
    published : Published
        The model.
    panel : dy.DataFrame[Panel]
        One origin a truce: the morning as of which it is scored.
    features, baseline_features : pl.DataFrame
        Keyed features of these origins.
    truces : dy.DataFrame[Truces]
        For the names.
    run_id, data_digest : str
        What the scores came from.
    level : float
        Of the intervals, see :func:`forecast.refits.with_interval`.
    reasons : dy.DataFrame[Reasons], optional
        Of these scores, for the drivers; without them a risk has none.

    Returns
    -------
    dy.DataFrame[RiskScores]
        Sorted by key; empty where no truce is in force.
    """
    if not panel.height:
        return RiskScores.create_empty()
    X = rows(features, panel)
    risk, lower, upper = with_interval(published.model, published.refits, X, level)
    baseline = published.baseline.predict_risk(rows(baseline_features, panel))
    named = panel.join(
        truces.select("truce_id", truce="name"),
        on="truce_id",
        how="left",
        maintain_order="left",
    )
    parts = [
        named.select(
            pl.col("origin").alias("as_of"),
            "truce_id",
            "truce",
            "conflict_id",
            "country",
            "age_days",
            pl.lit(horizon).alias("horizon_days"),
            pl.Series("risk", risk[:, i]),
            pl.Series("risk_lower", lower[:, i]),
            pl.Series("risk_upper", upper[:, i]),
            pl.Series("baseline_risk", baseline[:, i]),
            pl.lit("").alias("drivers"),
            pl.lit(published.name).alias("model"),
            pl.lit(published.label).alias("label"),
            pl.lit(run_id).alias("run_id"),
            pl.lit(data_digest).alias("data_digest"),
            pl.lit(published.trained_through).alias("trained_through"),
        )
        for i, horizon in enumerate(published.horizons)
    ]
    found = pl.concat(parts)
    if reasons is not None:
        told = drivers(reasons)
        found = found.update(told, on=[c for c in told.columns if c != "drivers"])
    return RiskScores.validate(
        found.sort("as_of", "truce_id", "horizon_days"), cast=True
    )


def save(published: Published, path: Path) -> None:
    """Write a published model without pickle."""
    import skops.io

    content = dict(vars(published)) | {
        "refits": list(published.refits),
        "horizons": list(published.horizons),
        "trained_through": published.trained_through.isoformat(),
        "seen": {name: list(ends) for name, ends in published.seen.items()},
    }
    if published.typical:
        content["typical"] = json.dumps(written(published.typical))
    path.write_bytes(skops.io.dumps(content, compression=zipfile.ZIP_DEFLATED))


def _ours(name: str) -> bool:
    """Whether a name is a model class or function of this package or a trusted one."""
    module, _, attribute = name.rpartition(".")
    places = ("forecast.models", *trusted())
    if not any(module == p or module.startswith(f"{p}.") for p in places):
        return False
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError):
        return False
    return getattr(found, "__module__", None) == module


def load(path: Path) -> Published:
    """Read a published model.

    Raises
    ------
    forecast.raw.InputError
        If there is none, or the file holds a type that no model is made of.
    """
    import skops.io

    if not path.is_file():
        raise InputError(
            f"{path}: no model; expected the model.skops of a finished run"
        )
    try:
        data = path.read_bytes()
        types = skops.io.get_untrusted_types(data=data)
        foreign = [t for t in types if t not in TRUSTED and not _ours(t)]
        if foreign:
            raise InputError(f"{path}: refused, it holds {', '.join(foreign)}")
        content = skops.io.loads(data, trusted=types)
        again = {
            "refits": tuple(content["refits"]),
            "horizons": tuple(content["horizons"]),
            "trained_through": date.fromisoformat(content["trained_through"]),
            # a run of before there were such has none
            "seen": {k: tuple(v) for k, v in content.get("seen", {}).items()},
        }
        if content.get("typical"):
            again["typical"] = restored(json.loads(content["typical"]))
        return Published(**content | again)
    except InputError:
        raise
    # a file that is none of ours can fail at any step, in any way
    except Exception as error:
        raise InputError(f"{path}: not a model file: {error}") from error
