"""What a command prints when it is done: where things are, and the top of them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forecast.record import peak_memory
from forecast.report.compare_words import BARE, order
from forecast.report.figures import attained
from forecast.report.words import nearest


class Pipe(Console):
    """A console whose reader may leave early, as `head` does."""

    def on_broken_pipe(self) -> None:
        """Say nothing more: an error in here Hydra would call a failed job."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


TOP = 8
#: kinds of events that are named of a truce
KINDS = 3
SKILL = ("brier", "skill", "auroc")


def risks(scores: pl.DataFrame) -> Table:
    """The truces at highest risk, with a column for each horizon."""
    table = Table(title="Truces at highest risk", title_justify="left")
    horizons = sorted(scores["horizon_days"].unique())
    for name in ("truce", "country"):
        table.add_column(name, overflow="fold")
    table.add_column("age", justify="right")
    for horizon in horizons:
        table.add_column(f"{horizon} d", justify="right")
    for truce in riskiest(scores)[:TOP]:
        rows = scores.filter(pl.col("truce_id") == truce).sort("horizon_days")
        first = rows.row(0, named=True)
        table.add_row(
            escape(first["truce"]),
            escape(first["country"] or ""),
            str(first["age_days"]),
            *(f"{risk:.0%}" for risk in rows["risk"]),
        )
    return table


def riskiest(scores: pl.DataFrame) -> list[str]:
    """Truces by risk at the horizon nearest to a month, highest first."""
    if not scores.height:
        return []
    month = nearest(scores["horizon_days"].unique())
    return (
        scores.filter(pl.col("horizon_days") == month)
        .sort("risk", "truce_id", descending=[True, False])["truce_id"]
        .to_list()
    )


def moves(changes: pl.DataFrame) -> Table:
    """The truces whose risk moved most, and those that came and went."""
    then, now = changes.select(pl.first("then"), pl.first("now")).row(0)
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        title=f"Risk then ({then or '?'}) and now ({now or '?'}), points between",
        title_justify="left",
    )
    table.add_column("truce", overflow="fold")
    horizons = changes["horizon_days"].unique().sort().to_list()
    for horizon in horizons:
        table.add_column(f"{horizon} d", justify="right", no_wrap=True)
    table.add_column("why, and what became known", overflow="fold")
    month = pl.col("horizon_days") == nearest(changes["horizon_days"].unique())
    order = changes.filter(month).sort(
        pl.col("points").abs(), "truce_id", descending=[True, False], nulls_last=True
    )
    # who came or went has no points, and is told first
    order = pl.concat(
        [order.filter(pl.col("points").is_null()), order.drop_nulls("points")]
    )
    for truce in order["truce_id"].head(TOP):
        rows = changes.filter(pl.col("truce_id") == truce).sort("horizon_days")
        row = rows.filter(month).row(0, named=True)
        told = [t for t in (row["why"], row["reasons"], _brief(row["news"])) if t]
        table.add_row(
            escape(row["truce"]),
            *(_moved(cell) for cell in rows.iter_rows(named=True)),
            escape("; ".join(told)),
        )
    return table


def _brief(news: str) -> str:
    """The newest kinds of events, and how many kinds more."""
    kinds = news.split(", ")
    more = f" and {len(kinds) - KINDS} more kinds" if len(kinds) > KINDS else ""
    return ", ".join(kinds[:KINDS]) + more


def _moved(row: Mapping[str, Any]) -> str:
    """Points, and the two risks below."""
    sides = [
        "-" if risk is None else f"{risk:.0%}"
        for risk in (row["risk_then"], row["risk_now"])
    ]
    points = row["change"] if row["points"] is None else f"{row['points']:+.1f}"
    return f"{points}\n{sides[0]} > {sides[1]}"


def skills(metrics: pl.DataFrame, baselines: Sequence[str], named: str) -> Table:
    """Brier score, skill over the named baseline, and AUROC by model and horizon."""
    table = Table(title=f"Brier, skill over {named}, AUROC", title_justify="left")
    table.add_column("model")
    horizons = sorted(metrics["horizon"].unique())
    for horizon in horizons:
        table.add_column(f"{horizon} d", justify="right")
    values = {
        (r["model"], r["horizon"], r["metric"]): r["value"]
        for r in metrics.filter(pl.col("stratum") == "all").iter_rows(named=True)
    }
    names = sorted(metrics["model"].unique(), key=lambda m: (m in baselines, m))
    for name in names:
        cells = [[values.get((name, h, metric)) for metric in SKILL] for h in horizons]
        table.add_row(name, *(_cell(*cell) for cell in cells))
    return table


def _cell(brier: float | None, skill: float | None, auroc: float | None) -> str:
    return "  ".join(
        [
            "-" if brier is None else f"{brier:.4f}",
            "     " if skill is None else f"{skill:+5.1%}",
            "-" if auroc is None else f"{auroc:.2f}",
        ]
    )


def shares(scores: pl.DataFrame, named: str) -> Table:
    """Share of the attainable skill by model and horizon, with its interval."""
    title = f"Share of what can be known, from {named} (0%) to the true risk (100%)"
    table = Table(title=title, title_justify="left")
    table.add_column("model")
    for horizon in scores["horizon"].unique().sort():
        table.add_column(f"{horizon} d", justify="right")
    between = scores.filter(~pl.col("model").is_in([named, "truth"]))
    for name in between["model"].unique().sort():
        rows = between.filter(pl.col("model") == name).sort("horizon")
        cells = [_ranged(*row) for row in rows.select("share", "lower", "upper").rows()]
        table.add_row(escape(name), *cells)
    return table


def _ranged(value: float | None, lower: float | None, upper: float | None) -> str:
    if lower is None or upper is None:
        return attained(value)
    return f"{attained(value)}\n{attained(lower)} to {attained(upper)}"


def paired(comparison: pl.DataFrame, titles: Mapping[str, str]) -> list[Table]:
    """Skill of runs over the reference by horizon, a table for each model of it."""
    skill = comparison.filter(
        pl.col("metric") == "skill", pl.col("stratum") == "all"
    ).sort("horizon")
    tables = []
    for model in skill["reference_model"].unique().sort():
        rows = skill.filter(pl.col("reference_model") == model)
        title = f"Skill over {escape(rows['reference'][0])} ({escape(model)})"
        table = Table(
            box=box.SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            # as narrow as it can be: four horizons must leave room for the runs
            collapse_padding=True,
            title=title,
            title_justify="left",
        )
        table.add_column("run", overflow="fold")
        for horizon in rows["horizon"].unique().sort():
            table.add_column(f"{horizon} d", justify="right", no_wrap=True)
        for run in order(rows):
            own = rows.filter(pl.col("run") == run).iter_rows(named=True)
            table.add_row(escape(titles[run]), *(_paired(row) for row in own))
        tables.append(table)
    return tables


def _paired(row: Mapping[str, Any]) -> str:
    """Skill, verdict and interval; without a word where runs are not told apart."""
    if row["value"] is None:
        return "-"
    told = row["verdict"] in ("better than", "worse than")
    said = f"{BARE[row['verdict']]} " if told else ""
    if row["lower"] is None or row["upper"] is None:
        return f"{said}{row['value']:+.1%}"
    interval = f"{100 * row['lower']:+.1f} to {100 * row['upper']:+.1f}"
    return f"{said}{row['value']:+.1%}\n{interval}"


def beside(table: pl.DataFrame) -> Table:
    """Place by Brier score, skill and interval by label and model, side by side."""
    shown = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
        title="Place by Brier score, and skill over the label's own baseline",
        title_justify="left",
    )
    shown.add_column("label", overflow="fold")
    horizons = table["horizon"].unique().sort().to_list()
    for horizon in horizons:
        shown.add_column(f"{horizon} d", justify="right", no_wrap=True)
    for (_, title), block in table.group_by("run", "title", maintain_order=True):
        first = {r["horizon"]: r for r in block.iter_rows(named=True)}
        counts = [
            f"{first[h]['collapses']} collapses" if h in first else "-"
            for h in horizons
        ]
        shown.add_row(f"[b]{escape(str(title))}[/b]", *counts)
        if not block["scored"].any():
            shown.add_row("  not scored")
            continue
        for (model,), own in block.group_by("model", maintain_order=True):
            cells = {r["horizon"]: _placed(r) for r in own.iter_rows(named=True)}
            shown.add_row(
                f"  {escape(str(model))}", *(cells.get(h, "-") for h in horizons)
            )
    return shown


def _placed(row: Mapping[str, Any]) -> str:
    """Place and skill of a model; its interval below."""
    if row["brier"] is None:
        return "-"
    place = f"{row['rank']}. " if row["rank"] else ""
    if row["skill"] is None:
        return f"{place}baseline" if row["model"] == row["baseline"] else f"{place}-"
    if row["lower"] is None or row["upper"] is None:
        return f"{place}{row['skill']:+.1%}"
    interval = f"{100 * row['lower']:+.1f} to {100 * row['upper']:+.1f}"
    return f"{place}{row['skill']:+.1%}\n{interval}"


def report(
    places: Mapping[str, Path | str],
    tables: Sequence[Table],
    lines: Sequence[str],
    seconds: Mapping[str, float],
) -> None:
    """Print tables, remarks, timings, and where everything is."""
    console = Pipe(soft_wrap=False)
    for table in tables:
        console.print(table)
    for line in lines:
        console.print(f"- {escape(line)}", highlight=False)
    stages = ", ".join(f"{name} {took:.1f}" for name, took in seconds.items())
    console.print(
        f"{sum(seconds.values()):.1f} s ({stages}), peak {peak_memory():.0f} MiB",
        highlight=False,
    )
    width = max(map(len, places))
    for name, place in places.items():
        console.print(
            f"{name:{width}}  {escape(str(place))}", highlight=False, soft_wrap=True
        )
