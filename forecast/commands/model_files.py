"""The published model as files of a run, and what may be said of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from forecast import about, record, reference
from forecast.commands.data import Data
from forecast.publish import Published, save
from forecast.report.words import headline


def write(
    folder: Path,
    config: Mapping[str, Any],
    data: Data,
    rows: pl.DataFrame,
    taken: pl.DataFrame,
    metrics: pl.DataFrame,
    model: Published,
) -> None:
    """Write ``model.skops``, rows as it takes them, and ``model.json``.

    The last where the model can be read as numbers.

    Parameters
    ----------
    folder : Path
        Of the run.
    config : mapping
        Of the run, resolved.
    data : Data
        What the model was fitted on.
    rows : pl.DataFrame
        The panel made of it, as known on the morning of the risk scores.
    taken : pl.DataFrame
        A few rows of the features that the model takes.
    metrics : pl.DataFrame
        Scores of the run.
    model : Published
        The model.
    """
    save(model, folder / "model.skops")
    record.write_parquet(taken, folder / "model_input.parquet")
    if not reference.writable(model, config):
        return
    beside = about.describe(
        config,
        rows,
        metrics,
        trained_through=model.trained_through,
        data_digest=data.digest,
        inputs=data.inputs,
        said=said(config, metrics),
    )
    text = reference.text(reference.write(model, beside))
    (folder / "model.json").write_text(f"{text}\n", encoding="utf-8")


def said(config: Mapping[str, Any], metrics: pl.DataFrame) -> str:
    """What the intervals allow to say of the published model."""
    return headline(
        metrics,
        published=config["published"],
        named_baseline=config["named_baseline"],
        baselines=tuple(config["baselines"]),
        level=config["level"],
    )
