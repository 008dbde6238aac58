"""What moved between two tables of risk scores, and what became known between them."""

import dataframely as dy
import polars as pl

from forecast.kinds import KINDS
from forecast.schema.records import FIRST, LAST, RELATIONS

CHANGES = ("moved", "came", "went")


class Changes(dy.Schema):
    """Risk then and now of every truce of either table, each horizon of both."""

    truce_id = dy.String(primary_key=True)
    horizon_days = dy.Int32(primary_key=True, min=1, max=3_650)
    truce = dy.String()
    country = dy.String(nullable=True)
    #: mornings of the two tables
    then = dy.Date(nullable=True, min=FIRST, max=LAST)
    now = dy.Date(nullable=True, min=FIRST, max=LAST)
    #: moved: in both tables, be it by nothing; came: in the second alone; went: first
    change = dy.Enum(CHANGES)
    #: of a truce that came or went
    why = dy.String()
    risk_then = dy.Float64(nullable=True, min=0, max=1)
    risk_now = dy.Float64(nullable=True, min=0, max=1)
    #: percentage points
    points = dy.Float64(nullable=True, min=-100, max=100)
    #: events that became known between the mornings; null: not looked for
    events = dy.Int64(nullable=True, min=0)
    #: their deaths; null too where none of them has a number
    deaths = dy.Int64(nullable=True, min=0)
    #: the same by kind, in words
    news = dy.String()
    #: groups of reasons that moved, in words
    reasons = dy.String()

    @dy.rule()
    def who_moved_was_there_before_and_after(cls) -> pl.Expr:
        """A risk is missing where the truce came or went, and nowhere else."""
        return (cls.risk_then.col.is_null() == (cls.change.col == "came")) & (
            cls.risk_now.col.is_null() == (cls.change.col == "went")
        )

    @dy.rule()
    def points_are_what_lies_between(cls) -> pl.Expr:
        """Points are the risk now less the risk then."""
        between = 100 * (cls.risk_now.col - cls.risk_then.col)
        return (cls.points.col - between).abs().fill_null(0) < 1e-9


class News(dy.Schema):
    """Events that became known between two mornings and bear on a truce, by kind."""

    truce_id = dy.String(primary_key=True)
    relation = dy.Enum(RELATIONS, primary_key=True)
    kind = dy.Enum(KINDS, primary_key=True)
    events = dy.Int64(min=1)
    #: null where no event has a number
    deaths = dy.Int64(nullable=True, min=0)
    #: day of the newest
    newest = dy.Date(min=FIRST, max=LAST)
