"""What became of every row that was read."""

from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar

import dataframely as dy

from forecast.kinds import SYSTEMS
from forecast.schema.lives import Lines

ACTOR_METHODS = ("corrected", "exact", "alias", "government", "spelling", "none")


class Rejected(dy.Schema):
    """Rows that were refused: where they stand, and what is wrong with them."""

    file = dy.String()
    line = dy.Int64(min=1)
    column = dy.String()
    value = dy.String(nullable=True)
    reason = dy.String()


class LeftOut(dy.Schema):
    """Rows that are sound but that a definition leaves out, counted by reason."""

    source = dy.String()
    reason = dy.String()
    n = dy.Int64(min=0)


class Unmapped(dy.Schema):
    """Codes without an entry of their own in the map to kinds, and what stood in."""

    source = dy.String()
    system = dy.Enum(SYSTEMS)
    code = dy.String()
    #: entry of the root that was used instead; null: none, the event is of kind other
    used = dy.String(nullable=True)
    n = dy.Int64(min=1)


class Actors(dy.Schema):
    """Names of groups in sources without UCDP ids, and what they stand for."""

    actor = dy.String(primary_key=True)
    #: party of a truce, or group that one excludes; null: none of them
    party = dy.String(nullable=True)
    method = dy.Enum(ACTOR_METHODS)
    #: likeness of spelling, 0 to 100, where that is the method
    score = dy.Float64(nullable=True, min=0, max=100)


Schema = TypeVar("Schema", bound=dy.Schema)


@dataclass(frozen=True)
class Loaded(Generic[Schema]):
    """What a source returns: the frame, and an account of every row it read.

    ``read == frame rows behind it + rejected + left out``: no row is lost unseen.
    """

    frame: dy.DataFrame[Schema]
    rejected: dy.DataFrame[Rejected] = field(default_factory=Rejected.create_empty)
    left_out: dy.DataFrame[LeftOut] = field(default_factory=LeftOut.create_empty)
    #: rows in the file
    read: int = 0
    #: rows that the frame was made of (several may make one truce)
    accepted: int = 0
    #: last day the data speak for; for events only
    covered_through: date | None = None
    #: sha256 of every file read, by path
    files: dict[str, str] = field(default_factory=dict)
    #: codes that fell back to their root, or to no kind at all
    unmapped: dy.DataFrame[Unmapped] = field(default_factory=Unmapped.create_empty)
    #: what became of each line of a written source, where the coding is traced
    lines: dy.DataFrame[Lines] = field(default_factory=Lines.create_empty)
