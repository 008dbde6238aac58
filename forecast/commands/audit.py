"""Audits of a run: what they are given, and how their findings are shown."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import dataframely as dy
import polars as pl
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.markup import escape
from rich.table import Table

from forecast import audits
from forecast.audits import FAULT, Frames, Run
from forecast.backtest import Model
from forecast.choices import Choice
from forecast.commands import linking, study
from forecast.commands.data import Data
from forecast.schema import AUDIT_VERDICTS, Audits, Events, Panel, Predictions, Truces


def audit(
    config: DictConfig,
    data: Data,
    frames: study.Frames,
    models: Mapping[str, tuple[Model, pl.DataFrame]],
    predictions: dy.DataFrame[Predictions],
    notes: Sequence[str],
    choices: Sequence[Choice],
    stage: Callable[[str, int], AbstractContextManager[Callable[..., None]]],
) -> dy.DataFrame[Audits]:
    """Try the audits of a configuration on what its backtest made; none without any."""
    chosen = config.get("audits") or {}
    if not chosen:
        return Audits.create_empty()
    run = Run(
        models=models,
        published=config.published,
        panel=frames.now,
        training=frames.at.__getitem__,
        folds=frames.folds,
        horizons=list(config.horizons),
        predictions=predictions,
        notes=notes,
        choices=choices,
        features={"models": frames.features, "baselines": frames.baseline_features},
        events=data.events,
        truces=data.truces,
        recompute=_recompute(config, data, frames),
    )
    named = {str(name): instantiate(chosen[name]) for name in chosen}
    with stage("audit", len(named)) as done:
        return audits.audit(named, run, done)


def _recompute(
    config: DictConfig, data: Data, frames: study.Frames
) -> Callable[
    [dy.DataFrame[Panel], dy.DataFrame[Events], dy.DataFrame[Truces]], Frames
]:
    """How features are made from other data, by the settings of the run."""
    # what is made for an audit is of no use to another run
    uncached = config.copy()
    uncached.cache = None

    def made(
        origins: dy.DataFrame[Panel],
        events: dy.DataFrame[Events],
        truces: dy.DataFrame[Truces],
    ) -> Frames:
        changed = replace(data, events=events, truces=truces)
        linked = linking.linked_events(uncached, changed, origins, frames.actors)
        ours, naive, _ = study.compute_features(uncached, changed, origins, linked)
        return {"models": ours, "baselines": naive}

    return made


def faults(found: pl.DataFrame) -> int:
    """How many findings are faults."""
    return found.filter(pl.col("verdict") == FAULT).height


def note(found: pl.DataFrame) -> list[str]:
    """What the audits came to, in a sentence; nothing where there were none."""
    if found.is_empty():
        return []
    bad = found.filter(pl.col("verdict") == FAULT)["audit"].unique().sort()
    counts = [
        f"{found.filter(pl.col('verdict') == verdict).height} {verdict}"
        for verdict in AUDIT_VERDICTS
    ]
    named = f" ({', '.join(bad)})" if bad.len() else ""
    return [f"audits: {', '.join(counts)}{named}, see audits.csv"]


def tables(found: pl.DataFrame) -> list[Table]:
    """The findings as a table; none where there were no audits."""
    if found.is_empty():
        return []
    table = Table(title="Audits", title_justify="left")
    for name in ("audit", "subject", "verdict", "what was found"):
        table.add_column(name, overflow="fold")
    for row in found.iter_rows():
        table.add_row(*map(escape, row))
    return [table]
