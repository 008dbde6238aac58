"""Covariates of a hazard ahead: the age that a truce will have, and what fades.

What is known of moving things loses its worth: a bombardment of yesterday says much of
next week and little of the thirteenth. So every column of a feature that moves enters
twice, once lasting and once halved every 14 days. The data decide how much of its
effect is of which sort.
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator

from forecast.ipcw import Array
from forecast.models.horizon import matrix
from forecast.models.logit import Curves, clipped, signed_root, varying
from forecast.models.weeks import WEEK, Index

#: Columns that enter where they are there: a few of each thing that is thought to move
#: the risk, so that effects can be read. How full the window is, how fast it fills, and
#: how much it takes; what is done, by kind; attacks of outsiders; talks; how the dyad's
#: truces ended; what was agreed.
COLUMNS = (
    "recent_filled",
    "recent_decayed_14d",
    "recent_deaths_7d",
    "recent_events_30d",
    "recent_days_since_last",
    "war_threshold_log",
    "kinds_decayed_strike_14d",
    "kinds_decayed_offensive_14d",
    "kinds_decayed_violation_14d",
    "kinds_decayed_threat_14d",
    "kinds_rupture_30d",
    "kinds_relief_30d",
    "outsiders_events_30d",
    "outsiders_attacks_30d",
    "talks_rounds_30d",
    "talks_halts_30d",
    "talks_due_14d",
    "history_rate",
    "history_truces",
    "design_bilateral",
    "design_cessation",
    "design_definitive",
    "design_written",
    "design_mediated",
    "design_enforced",
)

#: Features that tell of what moves; of others, design and history, nothing fades. The
#: threshold stands still, but it takes time to fill, so that it matters later.
FADING = (
    "recent",
    "war",
    "kinds",
    "trend",
    "excitation",
    "reciprocity",
    "outsiders",
    "neighbours",
    "talks",
    "coverage",
)

#: Standard deviations beyond which a covariate counts as no more extreme.
LIMIT = 6.0

#: Origins of a truce, about: what says the same at all of them is known from as many
#: times fewer cases.
STILL = 10.0

#: What bends by construction: a window nine tenths full is about to collapse, whatever
#: else is known. `trail` is made of this and of age; a shrunk line would lose to it for
#: being held back.
CURVED = ("recent_filled",)


class WeeklyDesign(BaseEstimator):  # type: ignore[misc]
    """Columns of a linear predictor for any origin in any week ahead of it.

    They are the intercept; cubic splines of the logarithm of the truce's age in that
    week; a part that fades at each half-life, because an origin is a day on which the
    truce still stood; the covariates, a few as cubic splines and the others as lines;
    and once more those that move, faded.

    Covariates are filled with their median where they are null, with a column of 0 and
    1 that says so; their signed square root is standardised and held within six
    standard deviations. Constant columns and copies are left out.

    Parameters
    ----------
    columns : sequence of str or None
        Covariates, of which those that are there are taken; None takes all columns but
        those of the feature `age`.
    fading : sequence of str
        Names of features, which begin their columns, that fade.
    curved : sequence of str
        Covariates that enter as splines.
    half_lives : sequence of float
        Days in which a fading part loses half its size.
    n_knots : int
        Knots of each spline.
    weeks : int
        Weeks ahead.

    Attributes
    ----------
    columns_ : list of str
        Covariates that were there.
    names_ : list of str
        Of the columns of :meth:`at`: ``intercept``, ``age_1`` …, ``fading_14d``, then
        ``COLUMN_curve_1`` … or ``COLUMN``, ``COLUMN_unknown``, and last what fades,
        ``COLUMN_fading_14d``.
    scale_ : float array, shape (p,)
        What each column of :meth:`at` was divided by: the standard deviation of the
        signed root of a covariate, and 1 for others. A coefficient over its scale is
        that of one unit.
    shape_ : bool array, shape (p,)
        Whether a column is of a line or of the shape: intercept, splines, fading.
    age_, median_, centre_, spread_, kept_, bent_, fades_, curves_, bends_
        What :meth:`transform` and :meth:`at` remember.

    Examples
    --------
    >>> X = pl.DataFrame({"age_days": [1, 8, 50], "recent_deaths_7d": [0, 4, 9]})
    >>> design = WeeklyDesign(n_knots=2, weeks=13).fit(X)
    >>> design.names_[:5]
    ['intercept', 'age_1', 'age_2', 'age_3', 'fading_14d']
    >>> design.names_[5:]
    ['recent_deaths_7d', 'recent_deaths_7d_fading_14d']
    >>> design.at(design.transform(X), np.array([0, 2, 4]))[:, 5:].round(2).tolist()
    [[-1.34, -1.34], [0.27, 0.13], [1.07, 0.27]]
    """

    def __init__(
        self,
        columns: Sequence[str] | None = COLUMNS,
        fading: Sequence[str] = FADING,
        curved: Sequence[str] = CURVED,
        half_lives: Sequence[float] = (14.0,),
        n_knots: int = 4,
        weeks: int = 13,
    ) -> None:
        self.columns = columns
        self.fading = fading
        self.curved = curved
        self.half_lives = half_lives
        self.n_knots = n_knots
        self.weeks = weeks

    def fit(self, X: pl.DataFrame) -> Self:
        """Learn medians, scales and the ranges of splines; needs ``age_days``."""
        asked = self.columns
        if asked is None:
            asked = [name for name in X.columns if not name.startswith("age_")]
        self.columns_ = [name for name in asked if name in X.columns]
        age, values = self._columns(X)
        known = age[np.isfinite(age)]
        self.age_ = float(np.median(known)) if len(known) else 1.0
        span = np.array([known.min(), known.max()]) if len(known) else np.ones(2)
        span[1] += WEEK * self.weeks
        self.curves_ = Curves(self.n_knots).fit(np.log(span)[:, None])
        empty = np.isnan(values).all(axis=0)
        self.median_ = np.zeros(values.shape[1])
        self.median_[~empty] = np.nanmedian(values[:, ~empty], axis=0)
        wide = self._filled(values)
        self.centre_, varies = wide.mean(axis=0), np.ptp(wide, axis=0) > 0
        self.spread_ = np.where(varies, wide.std(axis=0), 1)
        self.kept_ = np.flatnonzero(varies)
        scaled = clipped((wide - self.centre_) / self.spread_, LIMIT)
        if len(self.kept_):
            self.kept_ = self.kept_[varying(scaled[:, self.kept_])]
        self._name()
        self.bends_ = Curves(self.n_knots).fit(scaled[:, self.kept_[self.bent_]])
        return self

    def transform(self, X: pl.DataFrame) -> Array:
        """Age, then standardised covariates of each origin, shape (n, 1 + kept)."""
        age, values = self._columns(X)
        scaled = (self._filled(values) - self.centre_) / self.spread_
        filled = np.where(np.isnan(age), self.age_, age)
        return np.column_stack([filled, clipped(scaled[:, self.kept_], LIMIT)])

    def at(self, origins: Array, week: Index) -> Array:
        """Columns of origins, as :meth:`transform` gives them, in weeks ahead."""
        days = WEEK * week
        age, known = np.log(origins[:, 0] + days), origins[:, 1:]
        bends, lines = known[:, self.bent_], np.delete(known, self.bent_, axis=1)
        known = np.column_stack([self.bends_.transform(bends), lines])
        fade = 0.5 ** (days[:, None] / np.asarray(self.half_lives, dtype=float))
        faded = [known[:, self.fades_] * part[:, None] for part in fade.T]
        shape = [np.ones(len(age)), self.curves_.transform(age[:, None]), fade]
        return np.column_stack([*shape, known, *faded])

    def penalty(self, weight: float) -> Array:
        """Penalty of each coefficient: none of the intercept, little of the shape.

        Splines and fading are few columns and are there to be fitted; as in `trail`,
        their weight is at most 1. A column that stands still has one value a truce,
        where one that moves has one an origin: it is held back by as much more.
        """
        still = np.array([not self._moves(name) for name in self.names_])
        found = np.where(still, STILL, 1.0) * weight
        found[self.shape_] = min(weight, 1.0)
        found[0] = 0
        return found

    def _columns(self, X: pl.DataFrame) -> tuple[Array, Array]:
        """Age, and covariates, the last of them whether the age is unknown."""
        if "age_days" not in X.columns:
            raise ValueError(
                "the model needs the column 'age_days'; add features `age`"
            )
        missing = [name for name in self.columns_ if name not in X.columns]
        if missing:
            names = ", ".join(map(repr, missing))
            raise ValueError(f"the model needs columns that are not there: {names}")
        both = matrix(X.select("age_days", *self.columns_))
        age = both[:, 0]
        return age, np.column_stack([both[:, 1:], np.isnan(age)])

    def _filled(self, values: Array) -> Array:
        """Signed roots with nulls filled, then whether each was null."""
        unknown = np.isnan(values)
        return np.hstack(
            [signed_root(np.where(unknown, self.median_, values)), unknown]
        )

    def _name(self) -> None:
        """Names and scales of the columns of :meth:`at`, and which of them fade."""
        known = [*self.columns_, "age_unknown"]
        known += [f"{name}_unknown" for name in known]
        kept = [known[place] for place in self.kept_]
        bent = [name in self.curved for name in kept]
        self.bent_ = np.flatnonzero(bent)
        count = range(1, self.n_knots + 2)
        bends = [f"{kept[place]}_curve_{i}" for place in self.bent_ for i in count]
        lines = [name for name, bends_ in zip(kept, bent, strict=True) if not bends_]
        terms = [*bends, *lines]
        moves = [self._moves(name) for name in terms]
        self.fades_ = np.flatnonzero(moves)
        tags = [f"fading_{half_life:g}d" for half_life in self.half_lives]
        shape = ["intercept", *(f"age_{i}" for i in count), *tags]
        faded = [f"{terms[place]}_{tag}" for tag in tags for place in self.fades_]
        self.names_ = [*shape, *terms, *faded]
        spread = np.delete(self.spread_[self.kept_], self.bent_)
        scale = np.concatenate([np.ones(len(bends)), spread])
        curved = np.arange(len(terms)) < len(bends)
        again = np.concatenate([np.arange(len(terms)), np.tile(self.fades_, len(tags))])
        self.scale_ = np.concatenate([np.ones(len(shape)), scale[again]])
        self.shape_ = np.concatenate([np.ones(len(shape), bool), curved[again]])

    def _moves(self, name: str) -> bool:
        return name.partition("_")[0] in self.fading and not name.endswith("_unknown")
