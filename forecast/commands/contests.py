"""Which forecasts of finished runs are held against which, and what they score."""

from collections.abc import Sequence
from dataclasses import dataclass

import dataframely as dy
import polars as pl
from omegaconf import DictConfig

from forecast.align import align, check_data, check_labels
from forecast.commands.finished import Run
from forecast.compare import compare
from forecast.raw import InputError
from forecast.report.words import days, listed
from forecast.schema import Comparison
from forecast.scored import stratified

#: of the key `model`: each model that the runs share
ALL = "all"


@dataclass(frozen=True)
class Scored:
    """What a comparison found."""

    comparison: dy.DataFrame[Comparison]
    #: the part that is worth a reader's time: models whose forecasts are not the same
    shown: pl.DataFrame
    #: model of each run, the reference first, in the first contest
    models: dict[str, str]
    #: which rows were compared, a sentence
    rows: str
    notes: list[str]


def score(config: DictConfig, runs: Sequence[Run]) -> Scored:
    """Hold runs against the first of them, in one model each or in all they share.

    Parameters
    ----------
    config : DictConfig
        Of ``forecast compare``.
    runs : sequence of Run
        The reference first.

    Returns
    -------
    Scored

    Raises
    ------
    forecast.raw.InputError
        If labels, data, rows or outcomes differ, or a model is missing.
    """
    check_labels({run.name: _label(run) for run in runs})
    inputs = {run.name: run.account["inputs"] for run in runs}
    notes = check_data(inputs, overlap=config.overlap)
    every, parts, rows, same = contests(runs, config.model), [], "", set()
    strata = runs[0].strata()
    if strata is None:
        notes.append(f"{runs[0].name} has no strata: all rows are compared as one")
    for models in every:
        forecasts = {run.name: run.of(models[run.name]) for run in runs}
        wide, said = align(forecasts, overlap=config.overlap)
        notes += [note for note in said if note not in notes]
        rows = rows or _rows(wide, config.overlap)
        same |= {(run, models[run]) for run in _same(wide, list(models))}
        own = {"draws": config.draws, "level": config.level, "seed": config.seed}
        divided = wide if strata is None else stratified(wide, strata)
        parts.append(compare(divided, models, **own))
    found = pl.concat(parts).sort(Comparison.primary_key())
    shown, said = _worth_showing(found, same)
    return Scored(Comparison.validate(found), shown, every[0], rows, [*notes, *said])


def contests(runs: Sequence[Run], model: str | None) -> list[dict[str, str]]:
    """Model of each run, by its name; several where all that they share are compared.

    Parameters
    ----------
    runs : sequence of Run
    model : str or None
        A name, ``all``, or None: the model that each run published.

    Raises
    ------
    forecast.raw.InputError
        If all are asked for and they share none.
    """
    if model is None:
        return [{run.name: str(run.account["published"]) for run in runs}]
    if model != ALL:
        return [{run.name: model for run in runs}]
    shared = set.intersection(*(set(run.models()) for run in runs))
    if not shared:
        raise InputError(f"model={ALL}: the runs share no model by its name")
    return [
        {run.name: name for run in runs} for name in runs[0].models() if name in shared
    ]


def _label(run: Run) -> dict[str, object]:
    return {"label": run.account["label"], "collapse": run.config.get("collapse", {})}


def _rows(wide: pl.DataFrame, overlap: bool) -> str:
    origins = wide.select("truce_id", "origin").n_unique()
    which = "that all runs have" if overlap else "the same in every run"
    return (
        f"{origins:,} origins of {wide['truce_id'].n_unique():,} truces and "
        f"{wide['dyad_id'].n_unique():,} dyads, over "
        f"{days(wide['horizon'].unique().sort())}; {which}"
    )


def _same(wide: pl.DataFrame, names: Sequence[str]) -> list[str]:
    """Runs that forecast the very risks of the reference."""
    reference, *others = names
    return [run for run in others if wide[run].equals(wide[reference])]


def _worth_showing(
    found: pl.DataFrame, same: set[tuple[str, str]]
) -> tuple[pl.DataFrame, list[str]]:
    """Leave models out that forecast the same in every run, and say which they are.

    Where that is so of all of them, all are kept.
    """
    of_model: dict[str, set[tuple[str, str]]] = {}
    entries = found.select("run", "model", "reference_model").unique()
    for run, model, against in entries.iter_rows():
        of_model.setdefault(against, set()).add((run, model))
    idle = sorted(model for model, pairs in of_model.items() if pairs <= same)
    if len(idle) == len(of_model):
        idle = []
    notes = [f"{listed(idle)} forecast the same in every run"] if idle else []
    shown = found.filter(~pl.col("reference_model").is_in(idle))
    return shown, notes + [
        f"{model} of {run} forecasts just as the reference does"
        for run, model in sorted(same)
        if model not in idle
    ]
