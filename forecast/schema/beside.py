"""Runs beside each other: each judged by itself, on its own rows."""

import dataframely as dy
import polars as pl


class Beside(dy.Schema):
    """Scores of each model of each run, as the run has them; nothing is paired."""

    run = dy.String(primary_key=True)
    #: the collapse rule
    label = dy.String()
    horizon = dy.Int32(primary_key=True, min=1, max=3_650)
    model = dy.String(primary_key=True)
    #: the baseline that skill is quoted against
    baseline = dy.String()
    #: weighted share of forecasts that a collapse followed
    prevalence = dy.Float64(nullable=True, min=0, max=1)
    #: forecasts of known outcome, and those that a collapse followed
    n = dy.Int64(min=0)
    n_events = dy.Int64(min=0)
    #: truces that are known to collapse within the horizon of a forecast of the run
    collapses = dy.Int64(min=0)
    #: whether these are enough; without them there are counts alone
    scored = dy.Bool()
    brier = dy.Float64(nullable=True, min=0, max=1)
    #: 1 is the lowest Brier score of the run; null: not forecast on all of its rows
    rank = dy.Int64(nullable=True, min=1)
    #: over the baseline; null for the baseline itself
    skill = dy.Float64(nullable=True, max=1)
    lower = dy.Float64(nullable=True)
    upper = dy.Float64(nullable=True)
    #: what the interval aims to cover
    level = dy.Float64(min=0, max=1)

    @dy.rule()
    def counts_alone_where_not_scored(cls) -> pl.Expr:
        """Too few collapses bear no score, no rank and no skill."""
        figures = (cls.brier.col, cls.rank.col, cls.skill.col)
        return cls.scored.col | pl.all_horizontal(f.is_null() for f in figures)
