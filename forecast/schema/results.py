"""What is forecast and how it is judged: from predictions to the table of risks."""

import dataframely as dy
import polars as pl

from forecast.schema.records import FIRST, LAST

VERDICTS = ("better than", "worse than", "not told apart from", "not scored")
ALARM_RULES = ("level", "watch")
AUDIT_VERDICTS = ("held", "fault", "not applicable")
TRIAL_STATES = ("declared", "complete", "pruned", "failed")


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


class KnownTruth(dy.Schema):
    """Expected scores where the true risk is known, the truth's own among them."""

    model = dy.String(primary_key=True)
    horizon = dy.Int32(primary_key=True, min=1, max=3_650)
    #: expected Brier score under the true risk
    brier = dy.Float64(min=0, max=1)
    #: (naive − model) / (naive − truth); null where there is nothing to attain
    share = dy.Float64(nullable=True)
    #: interval of the share, by redrawing dyads of the world it is measured in
    lower = dy.Float64(nullable=True)
    upper = dy.Float64(nullable=True)
    mean_risk = dy.Float64(min=0, max=1)
    mean_truth = dy.Float64(min=0, max=1)
    n = dy.Int64(min=1)


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


class Reasons(dy.Schema):
    """What each group of features adds to a risk score, in percentage points.

    The risk is that of the mean training row of the truce's age, and their sum.
    """

    as_of = dy.Date(primary_key=True, min=FIRST, max=LAST)
    truce_id = dy.String(primary_key=True)
    horizon_days = dy.Int32(primary_key=True, min=1, max=3_650)
    model = dy.String(primary_key=True)
    group = dy.String(primary_key=True)
    #: the group by its name, and what is known of it: talks (broken off)
    words = dy.String()
    #: exact Shapley value
    points = dy.Float64(min=-100, max=100)
    reference_risk = dy.Float64(min=0, max=1)
    risk = dy.Float64(min=0, max=1)

    @dy.rule()
    def reasons_add_up(cls) -> pl.Expr:
        """The reference's risk and all points make the risk."""
        of_one = ["as_of", "truce_id", "horizon_days", "model"]
        moved = cls.points.col.sum().over(of_one) / 100
        return (cls.reference_risk.col + moved - cls.risk.col).abs() <= 1e-9


class Audits(dy.Schema):
    """What a sceptic tried on a run, and what came of it."""

    audit = dy.String(primary_key=True)
    #: what was looked at: a model, a column of the features, a fold, a horizon
    subject = dy.String(primary_key=True)
    verdict = dy.Enum(AUDIT_VERDICTS)
    #: what was found, a sentence
    said = dy.String()


class Coefficients(dy.Schema):
    """Coefficients of models that have them, each for a standard deviation."""

    model = dy.String()
    #: null: one for all horizons, as a hazard has
    horizon = dy.Int32(nullable=True, min=1, max=3_650)
    term = dy.String()
    #: log odds, or log hazard
    coefficient = dy.Float64()
    #: null where the model left the term out, or dyads are few
    lower = dy.Float64(nullable=True)
    upper = dy.Float64(nullable=True)

    @dy.rule()
    def one_row_a_term(cls) -> pl.Expr:
        """Model, horizon and term are a key, but that a horizon may be null."""
        return pl.struct("model", "horizon", "term").is_unique()


class Effects(dy.Schema):
    """Mean risk over rows as one column takes a value and all others stay."""

    model = dy.String(primary_key=True)
    horizon = dy.Int32(primary_key=True, min=1, max=3_650)
    column = dy.String(primary_key=True)
    at = dy.Float64(primary_key=True)
    risk = dy.Float64(min=0, max=1)


class Importance(dy.Schema):
    """Brier skill lost on test rows when a family of features is shuffled."""

    model = dy.String(primary_key=True)
    horizon = dy.Int32(primary_key=True, min=1, max=3_650)
    family = dy.String(primary_key=True)
    value = dy.Float64(nullable=True)
    lower = dy.Float64(nullable=True)
    upper = dy.Float64(nullable=True)


class Trials(dy.Schema):
    """Settings that a search tried on inner folds; the first row has the declared."""

    trial = dy.Int64(primary_key=True, min=0)
    state = dy.Enum(TRIAL_STATES)
    #: mean log score over horizons of the inner origins that were forecast
    loss = dy.Float64(nullable=True, min=0)
    #: inner cutoffs that were reached
    cutoffs = dy.Int64(nullable=True, min=0)
    picked = dy.Bool()
    #: JSON
    settings = dy.String()
    #: why it failed
    reason = dy.String(nullable=True)
