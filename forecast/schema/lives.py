"""A scored truce in its own light: its risk so far, its like, and its source."""

import dataframely as dy
import polars as pl

from forecast.schema.records import FIRST, LAST


class Lives(dy.Schema):
    """What one model says of a truce on each morning of its life so far."""

    truce_id = dy.String(primary_key=True)
    origin = dy.Date(primary_key=True, min=FIRST, max=LAST)
    horizon_days = dy.Int32(primary_key=True, min=1, max=3_650)
    age_days = dy.Int64(min=1)
    #: by what was known that morning
    risk = dy.Float64(min=0, max=1)
    baseline_risk = dy.Float64(min=0, max=1)
    #: as if each event had been known on the day after it; null where all was
    risk_hindsight = dy.Float64(nullable=True, min=0, max=1)


class Similar(dy.Schema):
    """Past truces that looked most like one that is scored, and what became of them."""

    truce_id = dy.String(primary_key=True)
    #: 1 is most alike
    rank = dy.Int32(primary_key=True, min=1)
    past_id = dy.String()
    past = dy.String()
    country = dy.String(nullable=True)
    start = dy.Date(min=FIRST, max=LAST)
    #: morning on which it was most alike
    origin = dy.Date(min=FIRST, max=LAST)
    age_days = dy.Int64(min=1)
    #: mean over groups of features, in standard deviations
    distance = dy.Float64(min=0)
    #: 0 still held when last seen, 1 collapse, 2 other exit
    event = dy.Int8(min=0, max=2)
    #: days from the origin on, as in the panel
    duration = dy.Int32(min=1, max=73_000)


class Lines(dy.Schema):
    """A written source line by line, and the events that its lines were coded as."""

    #: null: there is one written source
    source = dy.String(nullable=True)
    line = dy.Int64(min=1)
    #: in our own words
    says = dy.String()
    #: null: the line codes no event
    event_id = dy.String(nullable=True)

    @dy.rule()
    def told_once(cls) -> pl.Expr:
        """No row stands twice."""
        return pl.struct("source", "line", "says", "event_id").is_unique()
