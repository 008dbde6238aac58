"""The robust one: a few columns that any coded series has, strongly shrunk."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from forecast import ipcw
from forecast.ipcw import Array, Target
from forecast.models.horizon import (
    HorizonClassifier,
    check_target,
    constant_risk,
    matrix,
)
from forecast.models.logit import spline_logit

#: windows of `recent_share_<W>d` and half-lives of `recent_fading_<H>d`, in days
WINDOWS = (3, 7, 9, 14, 16, 23, 26, 30)
HALF_LIVES = (7, 14, 30)
#: what the model cannot do without, all of the features `age` and `recent`
NEEDED = (
    "age_log",
    *(f"recent_share_{days}d" for days in WINDOWS),
    *(f"recent_fading_{days}d" for days in HALF_LIVES),
    "recent_days_since_last",
    "recent_events_7d",
    "recent_events_30d",
    "recent_events_since_start",
)
#: of the feature `design`; where it is absent no truce has a term
DAYS_LEFT = "design_days_left"
#: horizons, and the days ahead at which what is left in the rule's window is told
AHEAD = ((0, 7, 14, 30, 90), (0, 4, 7, 14, 21))
RULE_DAYS = 30
#: columns that :func:`columns` puts first, which get a curve
CURVED = ("age_log", "fading_14d", "share_30d")


class Core(BaseEstimator):  # type: ignore[misc]
    """Logit on what the rule has counted, age and term; one for each horizon.

    It exists to be hard to break. Every column follows from the definition of a
    collapse or from the oldest findings on truces: what the rule has counted and when
    it will forget it, how long the truce has held, how long all has been quiet, and
    whether its announced term runs out within the horizon. All of them come from the
    features `age` and `recent` and, where there is one, from `design`: nothing depends
    on how a series is coded, and no other column of X is looked at, so that features
    that are added or left out move no risk.

    The settings were chosen by a study of rolling forecasts on UCDP deaths and
    ETH/PRIO truces with cutoffs from 1996 to 2011. Scores on those years therefore
    flatter it; what it is worth is seen on later years, other series and simulated
    worlds. The penalty is a prior standard deviation of .05 on the log odds for each
    standard deviation of a column: the columns say much the same in several ways, and
    together they may say it loudly.

    Parameters
    ----------
    C : float
        Inverse of the L2 penalty.
    n_knots : int
        Knots of the cubic splines of age, of the deaths that fade by half in 14 days,
        and of those of 30 days.
    clip : float
        Standard deviations beyond which a column counts as no more extreme.
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Kept for the common contract; nothing here is drawn at random.

    Attributes
    ----------
    fitted_ : list
        For each horizon a fitted :class:`HorizonClassifier`, or a constant risk where
        there is no collapse within it.

    Notes
    -----
    le Cessie and van Houwelingen (1992), *Applied Statistics* 41, on the logit with an
    L2 penalty. Clayton and Sticher (2021), *International Studies Quarterly* 65(3), on
    deaths as failure of a truce.

    Examples
    --------
    >>> Core().fit(pl.DataFrame({"age_log": [0.0]}), np.empty(0))
    Traceback (most recent call last):
    ...
    ValueError: Core needs the column 'recent_share_3d'; add features `age`, `recent`
    """

    #: all that it looks at
    columns_ = (*NEEDED, DAYS_LEFT)

    def __init__(
        self,
        C: float = 0.003,
        n_knots: int = 4,
        clip: float = 6.0,
        horizons: Sequence[int] = (7, 14, 30, 90),
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.n_knots = n_knots
        self.clip = clip
        self.horizons = horizons
        self.random_state = random_state

    def fit(self, X: pl.DataFrame, y: Target) -> Self:
        """Fit on columns of `age`, `recent` and, if there, `design`."""
        known = _known(X)
        check_target(X, y, self.horizons)
        self.fitted_ = [self._fitted(known, y, horizon) for horizon in self.horizons]
        return self

    def predict_risk(self, X: pl.DataFrame) -> Array:
        """Risk by horizon, shape (n, n_horizons)."""
        check_is_fitted(self, "fitted_")
        known = _known(X)
        risks = [
            np.full(X.height, part)
            if isinstance(part, float)
            else part.predict_risk(columns(known, horizon))[:, 0]
            for part, horizon in zip(self.fitted_, self.horizons, strict=True)
        ]
        return np.maximum.accumulate(np.column_stack(risks), axis=1)

    def _fitted(
        self, known: pl.DataFrame, y: Target, horizon: int
    ) -> HorizonClassifier | float:
        if not ((y["event"] == 1) & (y["duration"] <= horizon)).any():
            return constant_risk(*ipcw.weights(y, horizon))
        # roots are taken where they are meant, and the columns of a curve are known
        pipeline = spline_logit(
            self.C, self.n_knots, self.clip, root=False, curved=curved
        )
        model = HorizonClassifier(pipeline, (horizon,), self.random_state)
        return model.fit(columns(known, horizon), y)


def columns(X: pl.DataFrame, horizon: int) -> pl.DataFrame:
    """Columns that the logit of a horizon sees, before they are standardised.

    Parameters
    ----------
    X : pl.DataFrame
        Has the columns of the features `age` and `recent`; null means not known.
        ``design_days_left`` may be absent.
    horizon : int
        Days.

    Returns
    -------
    pl.DataFrame
        ``age_log``; ``fading_<H>d`` and ``share_<W>d``, what the rule has counted since
        the start over the threshold, held at 3, its square root; ``left``, the same of
        what will still be in a window of 30 days some days ahead (:func:`days_ahead`)
        if nothing more is counted; ``quiet``, the logarithm of the days since the last
        hostile event; ``events``, the square root of those of 30 days; ``any``, whether
        there was one since the start; ``trend``, the logarithm of the events of 7 days
        over what 30 days would give in 7, with one event added to both: as
        `trend_events_7_over_30d`, and of events because a series without deaths has
        them too; ``term``, the share of the horizon's days, the origin's own among
        them, inside the announced term, 0 without one.

    Examples
    --------
    >>> row = dict.fromkeys(NEEDED, 1.0) | {"design_days_left": 3}
    >>> columns(pl.DataFrame(row), 7).select("age_log", "left", "quiet", "term").row(0)
    (1.0, 1.0, 0.0, 0.42857142857142855)
    """
    week, month = (pl.col(f"recent_events_{days}d") for days in (7, 30))
    term = pl.col(DAYS_LEFT).fill_null(0) if DAYS_LEFT in X.columns else pl.lit(0.0)
    return X.select(
        "age_log",
        _tamed(pl.col("recent_fading_14d")).alias("fading_14d"),
        _tamed(pl.col("recent_share_30d")).alias("share_30d"),
        *(
            _tamed(pl.col(f"recent_{name}")).alias(name)
            for name in ("share_3d", "share_7d", "share_14d", "fading_7d", "fading_30d")
        ),
        left=_tamed(share(RULE_DAYS - days_ahead(horizon))),
        quiet=pl.col("recent_days_since_last").clip(1).log(),
        events=month.sqrt(),
        any=pl.col("recent_events_since_start") > 0,
        trend=((week + 1) / (month * (7 / 30) + 1)).log(),
        term=term.clip(0, horizon) / horizon,
    )


def days_ahead(horizon: int) -> float:
    """Days ahead at which what is left in the rule's window matters to a horizon.

    About the middle of the horizon, when most of its days are still to come that need
    what was counted before; but 21 at most, for later nearly nothing is left. Between
    the horizons of the study, 7, 14, 30 and 90 days, it is interpolated.

    Parameters
    ----------
    horizon : int
        Days.

    Returns
    -------
    float

    Examples
    --------
    >>> [days_ahead(horizon) for horizon in (7, 14, 22, 30, 90, 365)]
    [4.0, 7.0, 10.5, 14.0, 21.0, 21.0]
    """
    return float(np.interp(horizon, *AHEAD))


def share(days: float) -> pl.Expr:
    """Share of the threshold counted in the last days, by the windows that there are.

    Between two windows it is interpolated, as if what lies between were spread evenly.

    Parameters
    ----------
    days : float
        From 0 to 30.

    Returns
    -------
    pl.Expr
        Of the columns ``recent_share_<W>d``.

    Examples
    --------
    >>> X = pl.DataFrame({"recent_share_9d": [0.25], "recent_share_14d": [0.75]})
    >>> [X.select(share(days)).item() for days in (9, 11.5, 14)]
    [0.25, 0.5, 0.75]
    """
    over = next(window for window in WINDOWS if window >= days)
    under = max(window for window in (0, *WINDOWS) if window <= days)
    if over == under:
        return pl.col(f"recent_share_{over}d")
    part = (days - under) / (over - under)
    low = pl.col(f"recent_share_{under}d") if under else pl.lit(0.0)
    return low * (1 - part) + pl.col(f"recent_share_{over}d") * part


def curved(values: Array) -> npt.NDArray[np.bool_]:
    """Which standardised columns get a curve: the first three, if they vary.

    Parameters
    ----------
    values : float array, shape (n, p)
        Standardised columns, those of ``CURVED`` first.

    Returns
    -------
    bool array, shape (p,)

    Examples
    --------
    >>> curved(np.array([[0.0, 0, 0, 0], [0, 1, 2, 3]])).tolist()
    [False, True, True, False]
    """
    first = np.arange(values.shape[1]) < len(CURVED)
    return np.asarray(first & (np.ptp(values, axis=0) > 1e-6))


def _tamed(counted: pl.Expr) -> pl.Expr:
    """Held at three thresholds, and its square root: a massacre is no tenfold one."""
    return counted.clip(0, 3).sqrt()


def _known(X: pl.DataFrame) -> pl.DataFrame:
    """What the model needs of the features, as floats, null where not known."""
    missing = [name for name in NEEDED if name not in X.columns]
    if missing:
        raise ValueError(
            f"Core needs the column {missing[0]!r}; add features `age`, `recent`"
        )
    found = X.select(*NEEDED, *({DAYS_LEFT} & {*X.columns}))
    return pl.DataFrame(matrix(found), schema=found.columns).fill_nan(None)
