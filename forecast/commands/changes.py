"""`forecast changes`: what moved between two tables of risk scores, and by what."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from omegaconf import DictConfig

from forecast import record, sheets
from forecast.changes import changes as held
from forecast.changes import moved_reasons
from forecast.commands import between, named, settings
from forecast.commands.score_files import Scores, read
from forecast.commands.show import moves, report
from forecast.commands.stages import Stages
from forecast.raw import InputError

EXPLAINED = """\
forecast changes A B [KEY=VALUE]...

A and B are folders of `forecast score` or `forecast run`, or CSV files of risk scores:
the risk then, the risk now, and the points between. With the folder of a scoring the
events that became known between the two mornings are listed too, by kind."""


def main(overrides: Sequence[str]) -> int:
    """Run the command; returns its exit code."""

    def problem(tables: Sequence[str]) -> str | None:
        two = len(tables) == 2
        return None if two else f"expected two tables of risk scores, not {len(tables)}"

    return named.call("changes", overrides, _usage, problem, changes)


def _usage() -> str:
    return "\n".join([EXPLAINED, "", "keys", "  out, home"])


def changes(config: DictConfig) -> int:
    """Hold two tables against each other, and leave a folder."""
    began = datetime.now().astimezone()
    settings.check(config)
    home = Path(config.home).resolve()
    out = record.wanted(config.out)
    with Stages() as stages:
        with stages("load"):
            first, second = (read(Path(word)) for word in config.runs)
            notes = _comparable(first, second)
        out = out or record.free(home / "outputs" / "changes", began)
        with record.released(out):
            with stages("changes"):
                refused = out.with_name(f"{out.name}.rejected.csv")
                found = between.find(first, second, refused)
                reasons = None
                if first.reasons is not None and second.reasons is not None:
                    reasons = moved_reasons(first.reasons, second.reasons)
                table = held(
                    first.table,
                    second.table,
                    first.as_of,
                    second.as_of,
                    why=found.why,
                    news=found.news,
                    reasons=reasons,
                )
                notes += found.notes
            with stages("write"), record.folder(out) as folder:
                sheets.write(table, folder / "changes.csv")
                if found.news is not None:
                    sheets.write(found.news, folder / "news.csv")
                account = record.account(
                    name="changes",
                    tables=[str(first.place), str(second.place)],
                    mornings=[first.as_of, second.as_of],
                    notes=notes,
                )
                account |= record.times(began, stages.seconds)
                record.write_json(account, folder / "run.json")
    places: dict[str, Path | str] = {"changes": out / "changes.csv"}
    if found.news is not None:
        places |= {"news": out / "news.csv"}
    report(places, [moves(table)] if table.height else [], notes, stages.seconds)
    return 0


def _comparable(first: Scores, second: Scores) -> list[str]:
    """What else differs than the morning, so that nobody takes it for news."""
    horizons = [set(t.table["horizon_days"]) for t in (first, second) if t.table.height]
    notes = []
    if len(horizons) == 2 and horizons[0] != horizons[1]:
        both = sorted(horizons[0] & horizons[1])
        if not both:
            then, now = (sorted(days) for days in horizons)
            raise InputError(f"no horizon in common: {then} and {now}")
        said = ", ".join(map(str, both))
        notes.append(f"the horizons differ; compared at {said} days, which both have")
    for what, column in (
        ("models", "model"),
        ("collapse rules", "label"),
        ("fits", "run_id"),
        ("ends of training", "trained_through"),
    ):
        then, now = (t.only(column) for t in (first, second))
        if None not in (then, now) and then != now:
            notes.append(
                f"different {what}, {then} and {now}: not all that moved is news"
            )
            # what follows from another model need not be told again
            if column == "model":
                break
    if first.as_of and second.as_of and first.as_of > second.as_of:
        notes.append(f"the first table is the later one: {first.as_of}")
    return notes
