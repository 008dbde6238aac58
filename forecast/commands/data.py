"""Load what a configuration names, and account for every row of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from hydra.utils import instantiate
from omegaconf import DictConfig

from forecast import sheets
from forecast.actors import resolve, without_ids
from forecast.commands import settings
from forecast.link import resolved
from forecast.raw import InputError
from forecast.rawfile import content_of
from forecast.record import data_digest, frame_digest
from forecast.schema import Events, LeftOut, Lines, Loaded, Rejected, Truces, Unmapped

Sources = Mapping[tuple[str, str], Loaded[Any]]


@dataclass(frozen=True)
class Data:
    """Events and truces of all sources, and the account of their rows."""

    #: that features may see
    events: dy.DataFrame[Events]
    #: that decide which truces are followed, and when they collapse
    decisive: dy.DataFrame[Events]
    truces: dy.DataFrame[Truces]
    covered_through: date
    #: kind, source, read, accepted, rejected, left_out, covered_through, digest
    sources: pl.DataFrame
    rejected: dy.DataFrame[Rejected]
    left_out: dy.DataFrame[LeftOut]
    unmapped: dy.DataFrame[Unmapped]
    #: digest of every input, by file or source
    inputs: dict[str, str]
    #: what became of each line of written sources, where their coding is traced
    lines: dy.DataFrame[Lines] = field(default_factory=Lines.create_empty)

    @property
    def digest(self) -> str:
        """One digest for all inputs."""
        return data_digest(self.inputs)


def read(config: DictConfig, rejected_to: Path) -> Data:
    """Load the data of a configuration, each source for what it is there for.

    Parameters
    ----------
    config : DictConfig
        Of a run or a scoring, checked.
    rejected_to : Path
        See :func:`load`.

    Returns
    -------
    Data
        With the corrections of names among the inputs. The events that decide bear the
        names of parties where theirs stand for them: a rule that goes by names counts
        what features count.

    Raises
    ------
    forecast.raw.InputError
        See :func:`load`.
    """
    found = load(
        config.events,
        config.truces,
        config.max_rejected,
        rejected_to,
        **settings.roles(config),
    )
    names = resolve(without_ids(found.decisive), found.truces, **config.actors)
    return replace(
        found,
        decisive=resolved(found.decisive, names),
        inputs=found.inputs | corrections(config),
    )


def load(
    events: DictConfig,
    truces: DictConfig,
    max_rejected: float,
    rejected_to: Path,
    *,
    features_from: Collection[str] | None = None,
    outcomes_from: Collection[str] | None = None,
) -> Data:
    """Load all sources of a configuration.

    Parameters
    ----------
    events, truces : DictConfig
        Sources by name.
    max_rejected : float
        Largest share of bad rows that a source may have.
    rejected_to : Path
        Where the rejected rows are written if a source has more.
    features_from, outcomes_from : collection of str, optional
        Sources of events that features may see, and those that decide which truces are
        followed and when they collapse; None: all.

    Returns
    -------
    Data

    Raises
    ------
    forecast.raw.InputError
        If a source cannot be read, has too many bad rows, or there is none.
    """
    loaded_events, loaded_truces = sources(events), sources(truces)
    for kind, group in (("events", loaded_events), ("truces", loaded_truces)):
        if not group:
            raise InputError(f"no source of {kind}; choose one: {kind}=NAME")
        _check(group, max_rejected, rejected_to)
    everything = by_kind(loaded_events, loaded_truces)
    seen, decisive = (
        Events.validate(_together(loaded_events, "event_id", names))
        for names in (features_from, outcomes_from)
    )
    return Data(
        events=seen,
        decisive=decisive,
        truces=Truces.validate(_together(loaded_truces, "truce_id")),
        covered_through=min(
            s.covered_through for s in loaded_events.values() if s.covered_through
        ),
        sources=overview(everything),
        rejected=rejected(everything),
        left_out=LeftOut.validate(pl.concat([s.left_out for s in everything.values()])),
        unmapped=Unmapped.validate(
            pl.concat([s.unmapped for s in everything.values()])
        ),
        inputs=inputs(everything),
        lines=traced(loaded_events),
    )


def sources(group: DictConfig | None) -> dict[str, Loaded[Any]]:
    """Load every source of a group; none where there is no group."""
    # one at a time: OmegaConf cannot hold what a source returns
    return {str(name): instantiate(group[name]) for name in group or {}}  # type: ignore[index]


def by_kind(
    events: Mapping[str, Loaded[Any]], truces: Mapping[str, Loaded[Any]]
) -> Sources:
    """All sources by kind and name."""
    return {
        **{("events", name): source for name, source in events.items()},
        **{("truces", name): source for name, source in truces.items()},
    }


def overview(everything: Sources) -> pl.DataFrame:
    """Rows, days and digest of every source."""
    return pl.DataFrame(
        [_row(kind, name, source) for (kind, name), source in everything.items()],
        infer_schema_length=None,
    )


def rejected(everything: Sources) -> dy.DataFrame[Rejected]:
    """Rejected rows of every source."""
    return Rejected.validate(pl.concat([s.rejected for s in everything.values()]))


def _check(
    sources: Mapping[str, Loaded[Any]], max_rejected: float, rejected_to: Path
) -> None:
    for name, source in sources.items():
        bad = source.rejected
        if bad.height > max_rejected * source.read:
            rejected_to.parent.mkdir(parents=True, exist_ok=True)
            sheets.write(bad, rejected_to)
            first = bad.row(0, named=True)
            raise InputError(
                f"{name}: {bad.height} of {source.read} rows are bad, more than "
                f"max_rejected={max_rejected:g} allows; the first: {first['file']}, "
                f"line {first['line']}, column {first['column']!r}, value "
                f"{first['value']!r}: {first['reason']}; all are in {rejected_to}"
            )


def _together(
    sources: Mapping[str, Loaded[Any]], key: str, names: Collection[str] | None = None
) -> pl.DataFrame:
    """One frame of all sources, or of those that are named, by key."""
    found = _joined(sources, "frame", key, names)
    return found if len(sources) == 1 else found.sort(key)


def _joined(
    sources: Mapping[str, Loaded[Any]],
    what: str,
    key: str,
    names: Collection[str] | None = None,
) -> pl.DataFrame:
    """Frames below each other; where there are several, ids carry the source's name."""
    if len(sources) == 1:
        return pl.DataFrame(getattr(next(iter(sources.values())), what))
    parts = (
        getattr(source, what).with_columns(
            pl.concat_str(pl.lit(f"{name}:"), key).alias(key)
        )
        for name, source in sources.items()
        if names is None or name in names
    )
    return pl.DataFrame(pl.concat(parts))


def traced(sources: Mapping[str, Loaded[Events]]) -> dy.DataFrame[Lines]:
    """Lines of written sources; where there are several, with the source's name."""
    found = _joined(sources, "lines", "event_id")
    names = [name for name, s in sources.items() for _ in range(s.lines.height)]
    if len(set(names)) > 1:
        found = found.with_columns(source=pl.Series(names, dtype=pl.String))
    return Lines.validate(found)


def _row(kind: str, name: str, source: Loaded[Any]) -> dict[str, Any]:
    return {
        "kind": kind,
        "source": name,
        "read": source.read,
        "accepted": source.accepted,
        "rejected": source.rejected.height,
        "left_out": int(source.left_out["n"].sum()),
        "covered_through": source.covered_through,
        "digest": data_digest(source.files or {name: frame_digest(source.frame)}),
    }


def corrections(config: DictConfig) -> dict[str, str]:
    """Digest of the user's corrections of names, by path, if there are any."""
    path = config.actors.corrections
    return {str(path): content_of(Path(path))[1]} if path else {}


def inputs(everything: Sources) -> dict[str, str]:
    """Digest of every input, by file or source."""
    digests: dict[str, str] = {}
    for (kind, name), source in everything.items():
        digests |= source.files or {f"{kind}.{name}": frame_digest(source.frame)}
    return digests
