"""What is known and asked: events, truces, their links, and the panel of origins."""

from datetime import date

import dataframely as dy
import polars as pl

from forecast.kinds import KINDS, SYSTEMS

FIRST, LAST = date(1900, 1, 1), date(2100, 12, 31)
PRECISIONS = ("day", "week", "month", "year", "summary")
END_REASONS = ("ongoing", "expired", "collapsed", "renewed", "other", "unclear")
SIDES = ("unilateral", "bilateral", "multilateral")
CLASSES = ("cessation", "preliminary", "definitive")
RELATIONS = ("party", "outsider", "neighbour")
DEATHS_MAX = 1_000_000
#: an event that spans days counts on its last one
LAST_DAY = pl.coalesce("date_end", "date")


class Events(dy.Schema):
    """Coded events; one row a version of an event (`known_from` to `known_until`)."""

    event_id = dy.String(primary_key=True)
    known_from = dy.Date(primary_key=True, min=FIRST, max=LAST)
    known_until = dy.Date(nullable=True, min=FIRST, max=LAST)
    date = dy.Date(min=FIRST, max=LAST)
    date_end = dy.Date(nullable=True, min=FIRST, max=LAST)
    date_precision = dy.Enum(PRECISIONS)
    kind = dy.Enum(KINDS)
    code = dy.String(nullable=True)
    system = dy.Enum(SYSTEMS)
    hostile = dy.Bool()
    conflict_id = dy.String(nullable=True)
    dyad_id = dy.String(nullable=True)
    actor_a = dy.String(nullable=True)
    actor_b = dy.String(nullable=True)
    country = dy.String(nullable=True)
    deaths = dy.Int64(nullable=True, min=0, max=DEATHS_MAX)
    deaths_low = dy.Int64(nullable=True, min=0, max=DEATHS_MAX)
    deaths_high = dy.Int64(nullable=True, min=0, max=DEATHS_MAX)
    due = dy.Date(nullable=True, min=FIRST, max=LAST)
    latitude = dy.Float64(nullable=True, min=-90, max=90)
    longitude = dy.Float64(nullable=True, min=-180, max=180)
    source = dy.String()
    note = dy.String(nullable=True)

    @dy.rule()
    def ends_after_it_starts(cls) -> pl.Expr:
        """A multi-day event ends on or after its first day."""
        return cls.date_end.col >= cls.date.col

    @dy.rule()
    def known_for_a_while(cls) -> pl.Expr:
        """A version is replaced after it became known."""
        return cls.known_until.col > cls.known_from.col


class Truces(dy.Schema):
    """Records of truces; one row a truce and dyad."""

    truce_id = dy.String(primary_key=True)
    agreement_id = dy.String(nullable=True)
    name = dy.String()
    conflict_id = dy.String(nullable=True)
    dyad_id = dy.String(nullable=True)
    country = dy.String(nullable=True)
    start = dy.Date(nullable=True, min=FIRST, max=LAST)
    start_precision = dy.Enum(PRECISIONS, nullable=True)
    end = dy.Date(nullable=True, min=FIRST, max=LAST)
    end_precision = dy.Enum(PRECISIONS, nullable=True)
    end_reason = dy.Enum(END_REASONS)
    parties = dy.List(dy.String())
    excluded = dy.List(dy.String())
    side = dy.Enum(SIDES, nullable=True)
    class_ = dy.Enum(CLASSES, nullable=True, alias="class")
    written = dy.Bool(nullable=True)
    mediated = dy.Bool(nullable=True)
    enforcement = dy.Bool(nullable=True)
    partial = dy.Bool(nullable=True)
    term_days = dy.Int64(nullable=True, min=0, max=36_500)
    purposes = dy.List(dy.String())
    source = dy.String()

    @dy.rule()
    def dates_have_a_precision(cls) -> pl.Expr:
        """A day, month or year is known wherever a date is given."""
        return (cls.start.col.is_null() == cls.start_precision.col.is_null()) & (
            cls.end.col.is_null() == cls.end_precision.col.is_null()
        )


class Links(dy.Schema):
    """Which version of an event bears on which truce, and how."""

    event_id = dy.String(primary_key=True)
    known_from = dy.Date(primary_key=True, min=FIRST, max=LAST)
    truce_id = dy.String(primary_key=True)
    relation = dy.Enum(RELATIONS)


class Panel(dy.Schema):
    """Weekly origins of followed truces with what happened to them afterwards."""

    truce_id = dy.String(primary_key=True)
    origin = dy.Date(primary_key=True, min=FIRST, max=LAST)
    conflict_id = dy.String(nullable=True)
    dyad_id = dy.String()
    country = dy.String(nullable=True)
    start = dy.Date(min=FIRST, max=LAST)
    age_days = dy.Int64(min=1, max=36_500)
    #: what the rule counts (deaths) in the 90 days before the start, per 30 days
    level = dy.Float64(min=0)
    #: count (of deaths) in the rule's window at which the truce is taken for collapsed
    threshold = dy.Float64(nullable=True, min=0)
    #: 0 censored, 1 collapse, 2 other exit
    event = dy.Int8(min=0, max=2)
    #: event day − origin + 1; censored at d: seen through day origin + d − 1
    duration = dy.Int32(min=1, max=73_000)

    @dy.rule()
    def age_counts_from_the_start(cls) -> pl.Expr:
        """The age is the number of days since the start."""
        return cls.age_days.col == (cls.origin.col - cls.start.col).dt.total_days()
