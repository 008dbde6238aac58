"""`forecast check`: what the data of a configuration are like, before any model."""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from omegaconf import DictConfig, OmegaConf
from rich import box
from rich.console import JustifyMethod
from rich.markup import escape
from rich.table import Table

from forecast import record, sheets
from forecast.commands import data, options
from forecast.commands.show import report as show
from forecast.commands.stages import Stages
from forecast.quality import LIMITS, exceeded, report
from forecast.raw import InputError
from forecast.report.quality import Facts, render
from forecast.report.quality_tables import sections
from forecast.report.quality_words import Block

#: settings of the panel that say which truces are followed
FOLLOWING = ("min_events", "before_days", "exact_start", "whole_zone")
RUN = ("command", "git_commit", "data_digest", "config_digest")


def main(overrides: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return options.call("check", once(alone(overrides)), check)


def alone(words: Sequence[str]) -> list[str]:
    """Leave the built-in truces out where only events are named, and the reverse.

    Examples
    --------
    >>> alone(["events=ged"])
    ['events=ged', 'truces=[]']
    >>> alone(["experiments=ged_ethprio"])
    ['experiments=ged_ethprio']
    """
    named = {word.partition("=")[0] for word in words}
    if len(named & {"events", "truces"}) != 1 or "experiments" in named:
        return list(words)
    other = "truces" if "events" in named else "events"
    return [*words, f"{other}=[]"]


def once(words: Sequence[str]) -> list[str]:
    """Check the data of an experiment once, though it sweeps models or features.

    Examples
    --------
    >>> once(["experiments=labels"])
    ['experiments=labels', 'hydra.mode=RUN']
    >>> once(["panel.min_events=3,5", "-m"])
    ['panel.min_events=3,5', '-m']
    """
    swept = {"-m", "--multirun"} & set(words)
    return list(words) if swept else [*words, "hydra.mode=RUN"]


def check(config: DictConfig) -> int:
    """Load what a configuration names, and report what it is like."""
    began = datetime.now().astimezone()
    limits = _limits(config.limits)
    out = Path(config.out).resolve() if config.out else None
    out = out or record.free(Path(config.home).resolve() / "outputs" / "check", began)
    with record.released(out), Stages() as stages:
        with stages("load"):
            events = data.sources(config.get("events"))
            truces = data.sources(config.get("truces"))
            everything = data.by_kind(events, truces)
            if not everything:
                raise InputError("nothing to check; choose events=NAME or truces=NAME")
        with stages("check"):
            following = {key: config.panel[key] for key in FOLLOWING}
            quality = report(events, truces, following)
            broken = exceeded(quality, limits)
        with stages("write"), record.folder(out) as folder:
            sheets.write(quality, folder / "quality.csv")
            rejected = data.rejected(everything)
            sheets.write(rejected, folder / "rejected.csv")
            account = _account(config, everything, limits, broken, stages, began)
            facts = Facts(
                title=account["title"],
                exceeded=tuple(broken),
                sources=data.overview(everything),
                rejected=rejected,
                run={key: str(account[key]) for key in RUN},
                stages=_seconds(stages),
            )
            (folder / "report.html").write_text(render(quality, facts), "utf-8")
            record.write_json(account, folder / "run.json")
    _show(quality, broken, out, stages)
    return 1 if broken else 0


def _limits(config: DictConfig) -> dict[str, float | None]:
    """Limits as shares.

    Raises
    ------
    forecast.raw.InputError
        If one is no share, or is of nothing that is measured.
    """
    limits: dict[str, float | None] = {}
    for key, value in config.items():
        name = str(key)
        if name not in LIMITS:
            raise InputError(f"limits.{name}: no such limit: {', '.join(LIMITS)}")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and 0 <= value <= 1):
            raise InputError(
                f"limits.{name}={value}: expected a share from 0 to 1, or null"
            )
        limits[name] = value
    return limits


def _account(
    config: DictConfig,
    everything: data.Sources,
    limits: Mapping[str, float | None],
    broken: Sequence[str],
    stages: Stages,
    began: datetime,
) -> dict[str, Any]:
    resolved: Any = OmegaConf.to_container(config, resolve=True)
    inputs = data.inputs(everything)
    return record.account(
        name="check",
        title=", ".join(f"{kind} {name}" for kind, name in everything),
        limits=dict(limits),
        exceeded=list(broken),
        data_digest=record.data_digest(inputs),
        config_digest=record.config_digest(resolved),
        inputs=inputs,
        **record.times(began, stages.seconds),
    )


def _seconds(stages: Stages) -> pl.DataFrame:
    schema = {"stage": pl.String, "seconds": pl.Float64}
    return pl.DataFrame(list(stages.seconds.items()), schema=schema, orient="row")


def _show(
    quality: pl.DataFrame, broken: Sequence[str], out: Path, stages: Stages
) -> None:
    tables = [
        _table(block)
        for section in sections(quality)
        for block in section.blocks
        if block.brief
    ]
    places = {"report": out / "report.html", "findings": out / "quality.csv"}
    said = [] if broken else ["every limit is kept"]
    show(places, tables, said, stages.seconds)
    for line in broken:
        print(f"forecast check: past a limit: {line}", file=sys.stderr)


def _table(block: Block) -> Table:
    """The top of a table of the report."""
    shown = [i for i, h in enumerate(block.head) if h in (block.narrow or block.head)]
    more = len(block.rows) - block.brief
    caption = f"{more} more in the report" if more > 0 else None
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        title=f"\n{escape(block.caption)}",
        title_justify="left",
        caption=caption,
        caption_justify="left",
    )
    for i in shown:
        side: JustifyMethod = "right" if i >= block.words else "left"
        table.add_column(block.head[i], justify=side, overflow="fold")
    for row in block.rows[: block.brief]:
        table.add_row(*(escape(row[i]) for i in shown))
    return table
