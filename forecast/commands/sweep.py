"""`forecast run -m`: a run for each combination of choices, in a process of its own.

What is typed::

    forecast run -m models=[logit],[hgb] seed=1,2,3   six jobs, one after another
      launcher.at_once=2                              two of them side by side
      launcher=slurm                                  on a cluster
      out=FOLDER                                      folder of the sweep
      resume=FOLDER                                   go on with a sweep that was cut

What is seen: on a terminal a line for each job that runs, with its time, and one for
each that has ended; in a pipe nothing. At the end a table of all jobs (job, state,
time, headline), the folder and, unless all went well, the line to go on by. The exit
code is 0, or 1 if a job failed, was killed or found faults, or 130 after Ctrl-C.

What is left, in ``outputs/NAME/DATE_TIME``::

    0_models-logit_seed-1/      the folder of a run, as if typed alone
    0_models-logit_seed-1.log   what it printed
    sweep.csv                   the table
    sweep.json                  the words of the sweep, and its run in MLflow

A job that is killed ends alone. Going on keeps what is finished and was made of the
same configuration, code and data, see :mod:`forecast.commands.kept`.
"""

import re
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.markup import escape

from forecast import record, withheld
from forecast.commands import outcomes, settings
from forecast.commands.alone import alone
from forecast.commands.job import Job
from forecast.commands.kept import kept
from forecast.commands.launchers import Events
from forecast.commands.options import Jobs, quoted
from forecast.commands.outcomes import INTERRUPTED, RUNNING, WELL, Row
from forecast.commands.show import Pipe
from forecast.commands.tracked_sweep import Tracker, tracked
from forecast.raw import InputError

ACCOUNT, TABLE = "sweep.json", "sweep.csv"
#: keys of which a sweep has one value, and those that its jobs are not told
SHARED = ("home", "out", "resume", "launcher")
OWN = ("out", "resume", "launcher")
#: characters of the name of a job's folder, and of a tag
LONGEST, LONGEST_TAG = 80, 4_000


def sweep(jobs: Jobs) -> int:
    """Run the jobs of a sweep that have no finished result.

    Parameters
    ----------
    jobs : list of (list of str, DictConfig)
        Words of each, and the configuration that they make.

    Returns
    -------
    int
        0 if all are done, else 1.

    Raises
    ------
    forecast.raw.InputError
        If there can be no such sweep, or another is at work in its folder.
    KeyboardInterrupt
        After the table, if it was interrupted.
    """
    configs = [config for _, config in jobs]
    first = configs[0]
    _check(configs)
    names = {str(config.name) for config in configs}
    name = names.pop() if len(names) == 1 else "sweep"
    folder = _place(first, name)
    table, account = folder / TABLE, folder / ACCOUNT
    words = withheld.text(shlex.join(sys.argv[1:]))
    with alone(folder) as lock:
        before = kept(folder, configs) if first.resume else {}
        again = record.read_json(account).get("mlflow_run")
        # MLflow takes tags of some length alone
        tags = {"words": words[:LONGEST_TAG]}
        with tracked(first, name, table, tags, again) as tracker:
            own = {"words": words, "mlflow_run": tracker.run_id or again}
            record.write_json(own, account)
            rows, left = _plan(folder, jobs, before, tracker)
            launch = instantiate(first.launcher)
            try:
                _follow(launch(left, [lock]), rows, len(left), table)
            finally:
                outcomes.write(rows, table)
                tracker.jobs = len(rows)
                tracker.failed = sum(row.state not in WELL for row in rows)
                # nothing to show where the launcher could not begin
                if not isinstance(sys.exc_info()[1], InputError):
                    _show(rows, folder, tracker)
    for note in tracker.notes:
        print(f"- {note}")
    return 1 if tracker.failed else 0


def _check(configs: Sequence[DictConfig]) -> None:
    first = configs[0]
    for key in SHARED:
        if any(config[key] != first[key] for config in configs):
            raise InputError(f"{key}: expected one value for the whole sweep")
    settings.check(OmegaConf.create({key: first[key] for key in OWN}))
    if first.out and first.resume:
        raise InputError(f"out={first.out}: a sweep that is resumed has its folder")


def _place(config: DictConfig, name: str) -> Path:
    """Folder of the sweep: made, or found where one is resumed."""
    if config.resume:
        folder = Path(config.resume).resolve()
        if not (folder / ACCOUNT).is_file():
            raise InputError(f"resume={folder}: no sweep to go on with: no {ACCOUNT}")
        return folder
    folder = Path(config.out or "").resolve()
    if not config.out:
        began = datetime.now().astimezone()
        folder = record.free(Path(config.home).resolve() / "outputs" / name, began)
    record.make(folder)
    return folder


def _plan(
    folder: Path, jobs: Jobs, before: dict[int, Path], tracker: Tracker
) -> tuple[list[Row], list[Job]]:
    """A row for each job, and the jobs that are to run."""
    common = set.intersection(*(set(words) for words, _ in jobs))
    digits = len(str(len(jobs) - 1))
    rows, left = [], []
    for i, (words, config) in enumerate(jobs):
        apart = [withheld.text(word) for word in words if word not in common]
        title = " ".join(apart) or "the only one"
        if i in before:
            rows.append(outcomes.found(Row(title, before[i])))
            continue
        path = _free(folder, f"{i:0{digits}}", apart)
        own = [word for word in words if _key(word).partition(".")[0] not in OWN]
        own.append(f"out={quoted(str(path))}")
        rows.append(Row(title, path))
        left.append(Job(i, tuple(own), path, tracker.above(config)))
        left[-1].log.unlink(missing_ok=True)
        record.discard(path)
    return rows, left


def _free(folder: Path, number: str, words: Sequence[str]) -> Path:
    """A folder for a job, other than that of a result which no longer counts."""
    name = "_".join([number, *map(_slug, words)])[:LONGEST]
    names = (f"{name}_{again}" if again else name for again in count())
    return next(folder / name for name in names if not (folder / name).exists())


def _slug(word: str) -> str:
    """A word of a command line as a part of a name.

    Examples
    --------
    >>> _slug("models=[logit,hgb]"), _slug("split.first='2003-01-01'"), _slug("seed=-1")
    ('models-logit-hgb', 'first-2003-01-01', 'seed--1')
    """
    key, value = _key(word).rpartition(".")[2], word.partition("=")[2]
    bare = re.sub(r"""[]\[{}"' ]""", "", value)
    return re.sub(r"[^\w.-]+", "-", f"{key}-{bare}" if bare else key, flags=re.ASCII)


def _key(word: str) -> str:
    return word.lstrip("+~").partition("=")[0]


def _follow(events: Events, rows: list[Row], left: int, table: Path) -> None:
    """Keep the rows and the table as the jobs are, to the end or to Ctrl-C."""
    began: dict[int, float] = {}
    try:
        with outcomes.progress(left) as changed, closing(events):
            for job, code in events:
                i, now = job.number, time.monotonic()
                if code is None:
                    began[i] = now
                    rows[i] = replace(rows[i], state=RUNNING)
                else:
                    rows[i] = outcomes.ended(rows[i], code, now - began.get(i, now))
                outcomes.write(rows, table)
                changed(rows[i])
    finally:
        for i, row in enumerate(rows):
            if row.state == RUNNING:
                rows[i] = replace(row, state=INTERRUPTED)


def _show(rows: Sequence[Row], folder: Path, tracker: Tracker) -> None:
    console = Pipe(soft_wrap=False)
    console.print(outcomes.table(rows))
    places = {"sweep": str(folder)}
    if tracker.uri:
        places["MLflow"] = withheld.text(tracker.uri)
    if tracker.failed:
        places["go on"] = _line(folder)
    for name, place in places.items():
        console.print(f"{name:6}  {escape(place)}", highlight=False, soft_wrap=True)


def _line(folder: Path) -> str:
    """What to type to go on with a sweep."""
    flags = [word for word in sys.argv[1:] if word.startswith("-")]
    words = [word for word in sys.argv[1:] if word not in flags]
    words = [word for word in words if _key(word) not in ("out", "resume")]
    words = [*flags, *words, f"resume={quoted(str(folder))}"]
    return " ".join(["forecast run", *(_typed(withheld.text(w)) for w in words)])


def _typed(word: str) -> str:
    """A word as a shell wants it, in double quotes where it has single ones.

    Examples
    --------
    >>> print(_typed("first='2003-01-01'"), _typed("models=[logit]"))
    "first='2003-01-01'" 'models=[logit]'
    """
    simple = "'" in word and not set(word) & set('"$`\\!')
    return f'"{word}"' if simple else shlex.quote(word)
