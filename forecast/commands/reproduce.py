"""`forecast reproduce`: make a finished run again, and compare value by value."""

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from rich.markup import escape
from rich.table import Table

from forecast import folders, provenance, record, withheld
from forecast.commands import finished, named, run, targets
from forecast.commands.finished import Run
from forecast.commands.show import Pipe
from forecast.commands.words import in_quotes
from forecast.differences import differences
from forecast.raw import InputError
from forecast.rawfile import content_of

#: differences that are printed of a file, characters of a value
FIRST, CHARACTERS = 5, 60
#: of the account, what may differ and leave all values as they are
SHORT = ("git_commit", "git_diff", "code_digest")
PLAIN = ("python", "platform", "blas")
EXPLAINED = """\
forecast reproduce RUN [KEY=VALUE]...

RUN is the folder of a finished run, or its id in MLflow. It is made again into a new
folder, by the configuration that it recorded, and every value of its tables is
compared. The exit code is 0 if all are identical, 1 if any differs, 2 if the run
cannot be made again. data_root=PATH says where its data lie now, if elsewhere."""


def main(overrides: Sequence[str]) -> int:
    """Run the command; returns its exit code."""

    def problem(runs: Sequence[str]) -> str | None:
        return None if len(runs) == 1 else f"expected one run, not {len(runs)}"

    def held(runs: Sequence[str]) -> str:
        return f"run={in_quotes(runs[0])}"

    return named.call("reproduce", overrides, _usage, problem, reproduce, held)


def _usage() -> str:
    return named.usage("reproduce", EXPLAINED)


def reproduce(config: DictConfig) -> int:
    """Make a run again and compare; 0 identical, 1 different, 2 not to be rebuilt."""
    began = datetime.now().astimezone()
    try:
        of, again = _again(config, began)
        found = folders.differences(of.folder, again)
    except (InputError, InstantiationException, OmegaConfBaseException) as error:
        said = withheld.text(f"cannot be rebuilt: {error}")
        print(f"forecast reproduce: {said}", file=sys.stderr)
        return 2
    _print(_said(found))
    _print([f"recorded  {of.folder}", f"again     {again}"])
    return 1 if found.height else 0


def _again(config: DictConfig, began: datetime) -> tuple[Run, Path]:
    """The run as it was, and the folder of the one that was made of it."""
    home = Path(config.home).resolve()
    of = finished.find([config.run], home, config.tracking.uri)[0]
    moved = _moved(of.config.get("data_root"), config.data_root)
    other = environment(of.account)
    code = "code_digest" in {what for what, *_ in other}
    _print([*_table(other), *(_way_back(of) if code else [])])
    unread = list(inputs(of.account, moved))
    if unread:
        raise InputError("; ".join(unread))
    recorded = rebuilt(of.config, moved)
    targets.check(recorded, of.folder / "config.yaml")
    if config.jobs is not None:
        recorded.jobs = config.jobs
    recorded.home = str(home)
    if config.out:
        recorded.out = config.out
        return of, run.make(recorded, began).out
    with record.released(record.free(home / "outputs" / "reproduce", began)) as out:
        recorded.out = str(out)
        return of, run.make(recorded, began).out


def environment(account: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What made a run and is not what would make it now: what, then, and now.

    Parameters
    ----------
    account : mapping
        ``run.json`` of the run.

    Examples
    --------
    >>> then = {**provenance.code().facts, **provenance.machine()}
    >>> environment(then)
    []
    >>> environment({**then, "python": "2.7.18"})[0][:2]
    ('python', '2.7.18')
    """
    now = {**provenance.code().facts, **provenance.machine()}
    found = [
        (key, str(account.get(key))[:12], str(now[key])[:12])
        for key in SHORT
        if account.get(key) != now[key]
    ]
    found += [
        (key, _plain(account.get(key)), _plain(now[key]))
        for key in PLAIN
        if account.get(key) != now[key]
    ]
    packages = differences(account.get("packages", {}), now["packages"])
    return found + [
        (name, then or "none", here or "none")
        for name, (then, here) in packages.items()
    ]


def inputs(account: Mapping[str, Any], moved: tuple[str, str]) -> Iterator[str]:
    """Inputs of a run that are no longer what they were, a sentence each.

    Parameters
    ----------
    account : mapping
        ``run.json`` of the run. An input that came from no file, as those of the
        simulated world, is known by its values when it is made again.
    moved : (str, str)
        Folder of the data then, and now.
    """
    for file, digest in account["inputs"].items():
        if file.startswith(("events.", "truces.")):
            continue
        path = _there(file, moved)
        try:
            now = content_of(Path(path))[1]
        except InputError as error:
            yield f"input {error}"
        else:
            if now != digest:
                yield f"input {path}: changed since: {digest[:12]}, now {now[:12]}"


def rebuilt(config: Mapping[str, Any], moved: tuple[str, str]) -> DictConfig:
    """The configuration of a run, to be run again without tracker and cache.

    Parameters
    ----------
    config : mapping
        ``config.yaml`` of the run.
    moved : (str, str)
        Folder of the data then, and now.
    """
    # features that were kept would be compared with themselves
    apart: dict[str, Any] = {
        "cache": None,
        "tracking": {"uri": None, "artifacts": None},
    }
    # and so would trials
    if config.get("search"):
        apart["storage"] = "memory"
    made = OmegaConf.create({**_there(dict(config), moved), **apart})
    assert isinstance(made, DictConfig)
    return made


def _moved(then: str | None, now: str | None) -> tuple[str, str]:
    return (then or "", str(Path(now).resolve()) if now else then or "")


def _there(value: Any, moved: tuple[str, str]) -> Any:
    """A value with the paths in it moved."""
    if isinstance(value, Mapping):
        return {key: _there(inner, moved) for key, inner in value.items()}
    if isinstance(value, list):
        return [_there(inner, moved) for inner in value]
    then, now = moved
    within = isinstance(value, str) and then and Path(value).is_relative_to(then)
    return str(Path(now, Path(value).relative_to(then))) if within else value


def _plain(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _table(rows: Sequence[tuple[str, str, str]]) -> list[Table | str]:
    if not rows:
        return ["code, packages and machine are those of the run"]
    table = Table(title="What differs", title_justify="left")
    for name in ("what", "recorded", "now"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    return [table]


def _way_back(of: Run) -> list[str]:
    """How to have the code of a run again, where it is not that of now."""
    commit, diff = of.account.get("git_commit"), of.account.get("git_diff")
    if not commit:
        return []
    kept = of.folder / provenance.DIFF
    if diff and not kept.is_file():
        return [f"its code was {commit} and a diff too large to be kept"]
    apply = f" && git apply {shlex.quote(str(kept))}" if diff else ""
    return [f"its code: git checkout {commit}{apply}"]


def _said(found: pl.DataFrame) -> list[str]:
    """Differences in lines, the first of each file."""
    if not found.height:
        return ["identical: every value of every table"]
    lines = [f"different: {found.height} values"]
    for (file,), rows in found.group_by("file", maintain_order=True):
        lines.append(f"{file}: {rows.height} differ, the first:")
        for row in rows.head(FIRST).iter_rows(named=True):
            place = ", ".join(p for p in (row["row"], row["column"]) if p) or "the file"
            values = (row[side][:CHARACTERS] for side in ("first", "second"))
            lines.append(f"  {place}: {' | '.join(values)}")
    return lines


def _print(lines: Sequence[Table | str]) -> None:
    console = Pipe()
    for line in lines:
        said = escape(line) if isinstance(line, str) else line
        console.print(said, highlight=False, soft_wrap=isinstance(line, str))
