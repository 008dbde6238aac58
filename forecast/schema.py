"""Every frame of the project, each a dataframely schema that reads as its definition.

Dates are calendar days, ids are strings, deaths are counts of people. Bounds are
realistic on purpose: they catch a latitude of 912 or a truce of the year 20016.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar

import dataframely as dy
import polars as pl

from forecast.kinds import KINDS, SYSTEMS

FIRST, LAST = date(1900, 1, 1), date(2100, 12, 31)
PRECISIONS = ("day", "week", "month", "year", "summary")
END_REASONS = ("ongoing", "expired", "collapsed", "renewed", "other", "unclear")
SIDES = ("unilateral", "bilateral", "multilateral")
CLASSES = ("cessation", "preliminary", "definitive")
RELATIONS = ("party", "outsider", "neighbour")
VERDICTS = ("better than", "worse than", "not told apart from", "not scored")
ALARM_RULES = ("level", "watch")
ACTOR_METHODS = ("corrected", "exact", "alias", "government", "spelling", "none")
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


class Predictions(dy.Schema):
    """One forecast a model, origin and horizon, with its outcome where known."""

    model = dy.String(primary_key=True)
    cutoff = dy.Date(primary_key=True, min=FIRST, max=LAST)
    truce_id = dy.String(primary_key=True)
    origin = dy.Date(primary_key=True, min=FIRST, max=LAST)
    horizon = dy.Int32(primary_key=True, min=1, max=3_650)
    conflict_id = dy.String(nullable=True)
    dyad_id = dy.String()
    risk = dy.Float64(min=0, max=1)
    outcome = dy.Int8(nullable=True, min=0, max=1)
    weight = dy.Float64(min=0)

    @dy.rule()
    def forecast_from_the_cutoff_on(cls) -> pl.Expr:
        """A model forecasts origins from its own cutoff on."""
        return cls.origin.col >= cls.cutoff.col

    @dy.rule()
    def unknown_outcomes_weigh_nothing(cls) -> pl.Expr:
        """Where the outcome is unknown, known rows carry its weight."""
        return cls.outcome.col.is_not_null() | (cls.weight.col == 0)


class Metrics(dy.Schema):
    """Scores of models, with intervals that resample whole dyads."""

    model = dy.String(primary_key=True)
    horizon = dy.Int32(primary_key=True, min=1, max=3_650)
    stratum = dy.String(primary_key=True)
    metric = dy.String(primary_key=True)
    value = dy.Float64(nullable=True)
    lower = dy.Float64(nullable=True)
    upper = dy.Float64(nullable=True)
    n = dy.Int64(min=0)
    n_events = dy.Int64(min=0)


class Comparison(dy.Schema):
    """Runs held against a reference on the same rows and the same resamples."""

    run = dy.String(primary_key=True)
    model = dy.String(primary_key=True)
    reference = dy.String()
    #: model of the reference; another one where each run's published model is compared
    reference_model = dy.String()
    horizon = dy.Int32(primary_key=True, min=1, max=3_650)
    stratum = dy.String(primary_key=True)
    metric = dy.String(primary_key=True)
    value = dy.Float64(nullable=True)
    lower = dy.Float64(nullable=True)
    upper = dy.Float64(nullable=True)
    n = dy.Int64(min=0)
    n_events = dy.Int64(min=0)
    #: what the interval of a paired metric allows to say; null: the metric is not one
    verdict = dy.Enum(VERDICTS, nullable=True)


class Alarms(dy.Schema):
    """What a user would see who warns by a rule: collapses caught, false alarms."""

    model = dy.String(primary_key=True)
    horizon = dy.Int32(primary_key=True, min=1, max=3_650)
    #: level: warn where the risk reaches it; watch: on the riskiest truces of a week
    rule = dy.Enum(ALARM_RULES, primary_key=True)
    #: the level of risk, or how many truces are watched
    at = dy.Float64(primary_key=True, min=0)
    #: share of rows with an alarm
    alarmed = dy.Float64(min=0, max=1)
    #: weighted share of rows that collapse within the horizon, without an alarm
    missed = dy.Float64(nullable=True, min=0, max=1)
    #: weighted share of rows with an alarm that collapse within the horizon
    precision = dy.Float64(nullable=True, min=0, max=1)
    #: truces that collapse within the horizon of an origin that is forecast
    collapses = dy.Int64(min=0)
    #: those with an alarm at such an origin
    caught = dy.Int64(min=0)
    #: those of them whose alarm stood until the collapse
    sustained = dy.Int64(min=0)
    #: median days from the first origin of the alarm that stood to the collapse
    lead_days = dy.Float64(nullable=True, min=0)
    #: unbroken runs of origins of a truce with an alarm
    episodes = dy.Int64(min=0)
    #: episodes that no collapse followed within the horizon
    false_alarms = dy.Int64(min=0)
    #: episodes of which that is not known
    unknown = dy.Int64(min=0)
    false_per_truce_year = dy.Float64(min=0)

    @dy.rule()
    def caught_are_collapses(cls) -> pl.Expr:
        """Alarms that stood are among those that caught, those among collapses."""
        caught, sustained = cls.caught.col, cls.sustained.col
        return (sustained <= caught) & (caught <= cls.collapses.col)

    @dy.rule()
    def an_episode_is_counted_once(cls) -> pl.Expr:
        """No episode is both false and unknown."""
        return cls.false_alarms.col + cls.unknown.col <= cls.episodes.col


class Costs(dy.Schema):
    """What warning by a model costs, where an unwarned collapse costs 1."""

    #: or always, never, perfect: warnings without a model
    model = dy.String(primary_key=True)
    horizon = dy.Int32(primary_key=True, min=1, max=3_650)
    #: what a warning costs
    ratio = dy.Float64(primary_key=True, min=0, max=1)
    #: weighted mean of a row
    cost = dy.Float64(min=0, max=1)
    #: share of what perfect warnings would save over the better of always and never
    saved = dy.Float64(nullable=True, max=1)


class RiskScores(dy.Schema):
    """The table an analyst opens: truces in force, each horizon, as of a morning."""

    as_of = dy.Date(primary_key=True, min=FIRST, max=LAST)
    truce_id = dy.String(primary_key=True)
    truce = dy.String()
    conflict_id = dy.String(nullable=True)
    country = dy.String(nullable=True)
    age_days = dy.Int64(min=1)
    horizon_days = dy.Int32(primary_key=True, min=1, max=3_650)
    risk = dy.Float64(min=0, max=1)
    risk_lower = dy.Float64(min=0, max=1)
    risk_upper = dy.Float64(min=0, max=1)
    baseline_risk = dy.Float64(min=0, max=1)
    drivers = dy.String()
    model = dy.String(primary_key=True)
    label = dy.String()
    run_id = dy.String()
    data_digest = dy.String()
    trained_through = dy.Date(min=FIRST, max=LAST)

    @dy.rule()
    def interval_holds_the_risk(cls) -> pl.Expr:
        """The refit interval contains the risk."""
        return (cls.risk_lower.col <= cls.risk.col) & (
            cls.risk.col <= cls.risk_upper.col
        )


class KnownTruth(dy.Schema):
    """Expected scores where the true risk is known, the truth's own among them."""

    model = dy.String(primary_key=True)
    horizon = dy.Int32(primary_key=True, min=1, max=3_650)
    #: expected Brier score under the true risk
    brier = dy.Float64(min=0, max=1)
    #: (naive − model) / (naive − truth); null where there is nothing to attain
    share = dy.Float64(nullable=True)
    mean_risk = dy.Float64(min=0, max=1)
    mean_truth = dy.Float64(min=0, max=1)
    n = dy.Int64(min=1)


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
