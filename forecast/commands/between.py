"""What lies between two mornings: events that became known, and truces that ended."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import dataframely as dy
import polars as pl
from omegaconf import DictConfig

from forecast.changes import became_known
from forecast.commands import linking, study
from forecast.commands.data import Data, read
from forecast.commands.score_files import Scores
from forecast.raw import InputError
from forecast.schema import News


@dataclass(frozen=True)
class Between:
    """What is known of the time between two tables of risk scores."""

    #: why truces came or went, by id
    why: dict[str, str] = field(default_factory=dict)
    #: None where no data are at hand
    news: dy.DataFrame[News] | None = None
    notes: list[str] = field(default_factory=list)


def find(first: Scores, second: Scores, refused: Path) -> Between:
    """Look between two mornings, in the data of the later scoring if it has any.

    Parameters
    ----------
    first, second : Scores
        In any order.
    refused : Path
        Where rows go that are refused, if there are too many.

    Returns
    -------
    Between
        Without events where the data are not at hand; a note says why.
    """
    if first.as_of is None or second.as_of is None:
        return Between(notes=["no events: a table without rows tells no morning"])
    earlier, later = sorted((first, second), key=_morning)
    then, now = _morning(earlier), _morning(later)
    came = _began(earlier, later, then)
    if later.config is None:
        return Between(came, notes=[f"no events: {later.place} is a table alone"])
    try:
        data = read(later.config, refused)
    # what data there were may have moved or changed since: the risks stand without
    except InputError as error:
        return Between(came, notes=[f"no events: {error}"])
    notes = []
    if data.digest != later.data_digest:
        notes.append(
            f"the data of {later.place} are not those that were scored: events are as "
            "they stand there now"
        )
    ids = pl.concat(t.table.select("truce_id") for t in (first, second)).unique()
    names = linking.actors(later.config, data)
    events = linking.linked_events(later.config, data, ids, names)
    gone = earlier.table.join(later.table, on="truce_id", how="anti")
    went = _ended(later.config, data, now, gone.select("truce_id").unique())
    return Between(came | went, became_known(events, then, now), notes)


def _morning(scores: Scores) -> date:
    if scores.as_of is None:
        raise ValueError("a table without a morning")
    return scores.as_of


def _began(earlier: Scores, later: Scores, then: date) -> dict[str, str]:
    """Why truces are in the later table alone, by their age."""
    new = later.table.join(earlier.table, on="truce_id", how="anti").unique(
        "truce_id", keep="first", maintain_order=True
    )
    starts = new.select(
        "truce_id", start=pl.col("as_of") - pl.duration(days="age_days")
    )
    return {
        truce: f"began on {start}"
        if start >= then
        else f"in force since {start}, but not scored on {then}"
        for truce, start in starts.iter_rows()
    }


def _ended(
    config: DictConfig, data: Data, now: date, missing: pl.DataFrame
) -> dict[str, str]:
    """Why truces are in force no more, as known on the later morning."""
    here, gone = (
        frame.join(missing, on="truce_id", how="semi")
        for frame in (
            study.in_force_on(config, data, now)[0],
            study.gone_on(config, data, now),
        )
    )
    said = dict.fromkeys(missing["truce_id"], "not followed any more")
    said |= dict.fromkeys(here["truce_id"], "in force, but not scored")
    return said | dict(gone.select("truce_id", "why").iter_rows())
