"""What a run leaves behind: a folder written whole or not at all, and its account."""

import hashlib
import json
import os
import resource
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from glob import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from forecast import provenance, withheld
from forecast.raw import InputError

#: keys that say where a run happens, not what it computes
PLACE = (
    *("home", "out", "tracking", "model", "root", "data_root", "cache", "jobs"),
    *("launcher", "resume", "register", "storage"),
)


@contextmanager
def folder(path: Path) -> Iterator[Path]:
    """Fill a folder under a temporary name beside its own, and rename it when whole.

    Parameters
    ----------
    path : Path
        Where the finished folder will lie.

    Yields
    ------
    Path
        The folder to write to. Where the block raises, it is removed.

    Raises
    ------
    forecast.raw.InputError
        If there is something at ``path`` already, or it cannot be written, as where the
        disk is full.
    """
    if path.exists():
        raise InputError(f"{path}: already there; expected a new folder")
    part = path.with_name(f".{path.name}.part-{os.getpid()}")
    # what a killed run of the same number left: in a container numbers recur
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    try:
        yield part
        _sync(part)
        part.rename(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        _reservation(path).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Have all files on the disk before their folder is given its name."""
    for path in [*folder.iterdir(), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def free(path: Path, now: datetime) -> Path:
    """Take a folder name ``DATE_TIME`` below ``path`` that no other run has.

    The name is reserved by an empty file, so that two runs that start in one second
    do not write to one folder.
    """
    stamp = now.strftime("%Y-%m-%d_%H-%M-%S")
    try:
        path.mkdir(parents=True, exist_ok=True)
        for name in [stamp, *(f"{stamp}_{i}" for i in range(2, 1000))]:
            if not (path / name).exists() and _reserve(path / name):
                return path / name
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    raise InputError(f"{path}: a thousand runs began in one second")


@contextmanager
def released(path: Path) -> Iterator[Path]:
    """Give a name that :func:`free` has taken back, however the block ends."""
    try:
        yield path
    finally:
        _reservation(path).unlink(missing_ok=True)


def vacant(path: Path) -> None:
    """Refuse a folder that is there already, or could not be made, before any work.

    Raises
    ------
    forecast.raw.InputError
        If a run could not be written to it.
    """
    if path.exists():
        raise InputError(f"{path}: already there; expected a new folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{path}: cannot be written: its folder is read-only")


def wanted(out: str | None) -> Path | None:
    """The folder that was asked for, if one was and it can be made.

    Raises
    ------
    forecast.raw.InputError
        As :func:`vacant`.

    Examples
    --------
    >>> wanted(None)
    """
    if not out:
        return None
    path = Path(out).resolve()
    vacant(path)
    return path


def make(path: Path) -> None:
    """Make a new folder, such as that of a sweep; a name that was reserved is taken.

    Raises
    ------
    forecast.raw.InputError
        If it is there already or cannot be made.
    """
    vacant(path)
    try:
        path.mkdir()
    except OSError as error:
        raise InputError(f"{path}: cannot be made: {error.strerror}") from error
    finally:
        _reservation(path).unlink(missing_ok=True)


def discard(path: Path) -> None:
    """Remove what killed runs left of a folder that they did not finish."""
    for part in path.parent.glob(f".{escape(path.name)}.part-*"):
        shutil.rmtree(part, ignore_errors=True)


def _reservation(path: Path) -> Path:
    return path.with_name(f".{path.name}.reserved")


def _reserve(path: Path) -> bool:
    try:
        os.close(os.open(_reservation(path), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def frame_digest(frame: pl.DataFrame) -> str:
    """Digest of a frame's content, for data that come from no file."""
    return hashlib.sha256(frame.write_ndjson().encode()).hexdigest()


def data_digest(files: Mapping[str, str]) -> str:
    """Digest of a set of inputs, whatever the folder they lie in."""
    lines = sorted(f"{Path(path).name} {digest}" for path, digest in files.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def config_digest(config: Mapping[str, Any]) -> str:
    """Digest of a resolved configuration, but for where it runs."""
    text = json.dumps(placeless(config), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def placeless(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a configuration computes: without where it runs, paths by their names."""
    return {key: _placeless(v) for key, v in config.items() if key not in PLACE}


def _placeless(value: Any) -> Any:
    """Paths by their names alone: the data have a digest of their own."""
    if isinstance(value, Mapping):
        return {key: _placeless(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_placeless(inner) for inner in value]
    return Path(value).name if isinstance(value, str) and "/" in value else value


def _typed() -> str:
    """What stands before the words of a command: that which runs it again."""
    name = Path(sys.argv[0]).name
    # python -m forecast
    return "forecast" if name == "__main__.py" else name


def account(code: provenance.Code | None = None, **facts: Any) -> dict[str, Any]:
    """Everything that says where a run came from.

    Parameters
    ----------
    code : provenance.Code, optional
        State of the source tree when the work began; that of now by default.
    **facts
        Of the run itself: seed, digests, timings, and so on.

    Returns
    -------
    dict
        The facts, and the commit, packages, machine and command.
    """
    return (
        facts
        | (code or provenance.code()).facts
        | provenance.machine()
        | {
            "command": withheld.text(" ".join([_typed(), *sys.argv[1:]])),
            "peak_memory_mib": peak_memory(),
        }
    )


def times(
    began: datetime, seconds: Mapping[str, float], now: datetime | None = None
) -> dict[str, Any]:
    """When a command began and ended, and the seconds of its stages, for an account.

    Parameters
    ----------
    began : datetime
        By the clock, which may be set back while the command runs.
    seconds : mapping
        Of the stages, by a clock that only goes forward.
    now : datetime, optional
        By the clock; read by default.

    Examples
    --------
    >>> noon = datetime(2016, 4, 7, 12)
    >>> set_back = times(noon, {"load": 60.0}, now=datetime(2016, 4, 7, 11))
    >>> set_back["started"], set_back["finished"]
    ('2016-04-07T12:00:00', '2016-04-07T12:01:00')
    """
    least = began + timedelta(seconds=sum(seconds.values()))
    ended = now or datetime.now().astimezone()
    return {
        "seconds": dict(seconds),
        "started": began.isoformat(timespec="seconds"),
        "finished": max(ended, least).isoformat(),
    }


def peak_memory() -> float:
    """Peak memory of this process, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """Write JSON that a person can read."""
    path.write_text(json.dumps(content, indent=2, sort_keys=True, default=str) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read an account; nothing if it is not there, or none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write a table as Parquet, by Python, which says what stood in the way."""
    buffer = BytesIO()
    frame.write_parquet(buffer)
    path.write_bytes(buffer.getvalue())


def accounts(path: Path) -> list[Path]:
    """Every ``run.json`` of a folder of outputs, those of sweeps among them."""
    return sorted([*path.glob("*/*/run.json"), *path.glob("*/*/*/run.json")])


def finished(path: Path) -> list[Path]:
    """Folders of finished runs below a folder, oldest first."""
    runs = [
        p.parent
        for p in accounts(path)
        # a name with a dot in front is of a run that was killed before the end
        if (p.parent / "model.skops").exists() and not p.parent.name.startswith(".")
    ]
    return sorted(runs, key=lambda p: (_ended(p), p))


def _ended(run: Path) -> datetime:
    """When a run ended, in any zone or summer time."""
    text = json.loads((run / "run.json").read_text())["finished"]
    return datetime.fromisoformat(text).astimezone()
