"""Weights that stand in for the rows whose outcome was never seen.

A truce that is still holding when the data end tells nothing of the days after. Its
outcome at a long horizon is unknown, but a collapse before the data end *is* known: if
the unknown rows are simply dropped, collapses are kept and quiet rows are lost, and
every estimate of risk comes out too high. (Simulated: true risk .452, dropping .562,
weighting .452.) Counting unknown rows as quiet errs the other way.

Inverse-probability-of-censoring weighting repairs this. Write ``G(t)`` for the
probability that a row is still under observation on the t-th day of its window. A row
whose outcome was settled on day t had the chance ``G(t)`` of being seen until then, so
it speaks for ``1 / G(t)`` rows: itself, and those like it that were lost on the way.
A row of unknown outcome weighs nothing; others carry its weight. The one assumption is
that censoring is independent of collapse, as it is where rows end with the data.

The same function weighs rows for fitting and for scoring.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Target = npt.NDArray[np.void]


def target(event: npt.ArrayLike, duration: npt.ArrayLike) -> Target:
    """Put events and durations into the structured array that models learn from.

    Parameters
    ----------
    event : array of int, shape (n,)
        0 censored, 1 collapse, 2 other exit.
    duration : array of int, shape (n,)
        Days from the origin, which is day 1.

    Returns
    -------
    structured array, shape (n,)

    Examples
    --------
    >>> target([1, 0], [3, 90]).tolist()
    [(1, 3), (0, 90)]
    """
    event = np.asarray(event)
    y = np.empty(len(event), dtype=[("event", "i1"), ("duration", "i4")])
    y["event"], y["duration"] = event, duration
    return y


def censoring_survival(y: Target) -> Callable[[npt.ArrayLike], Array]:
    """Estimate the probability of still being under observation on a day.

    Kaplan–Meier of the censoring time C in whole days: on each day d, the share of
    rows censored at d among those still under observation after that day's collapses
    and exits. A row censored at d was seen through day d, so on a day that has both,
    events come first.

    Parameters
    ----------
    y : structured array, shape (n,)
        Fields ``event`` (0 censored, 1 collapse, 2 other exit) and ``duration`` (days).

    Returns
    -------
    callable
        ``G(t) = P(C >= t)`` for days t, scalar or array. After the last day on which
        anybody was under observation it keeps its last positive value: there is no
        information beyond, and a weight must stay finite.

    Raises
    ------
    ValueError
        If an event is none of 0, 1, 2, or a duration is below one day.

    Examples
    --------
    One of four rows is lost at the end of day 2, after a collapse on that day:

    >>> y = target([1, 0, 0, 1], [2, 2, 5, 9])
    >>> censoring_survival(y)([1, 2, 3]).round(3).tolist()
    [1.0, 1.0, 0.667]
    """
    event, duration = _fields(y)
    last = int(duration.max(initial=0))
    lost = np.bincount(duration[event == 0], minlength=last + 1)
    ended = np.bincount(duration, minlength=last + 1)
    # Of those with duration >= d, the ones that did not collapse or leave on day d.
    observed = ended[::-1].cumsum()[::-1] - (ended - lost)
    survival = np.cumprod(np.concatenate([[1.0], 1 - lost / np.maximum(observed, 1)]))
    if survival[-1] == 0:
        survival[-1] = survival[-2]

    def at(t: npt.ArrayLike) -> Array:
        return np.asarray(survival[np.clip(np.asarray(t), 0, last + 1)])

    return at


def weights(
    y: Target, horizon: int, reference: Target | None = None
) -> tuple[Array, Array]:
    """Outcome and weight of every row at one horizon.

    Parameters
    ----------
    y : structured array, shape (n,)
        Fields ``event`` (0 censored, 1 collapse, 2 other exit) and ``duration`` in
        days: an event at t falls on the t-th day of the window, a row censored at d
        was seen through day d.
    horizon : int
        Length of the window in days.
    reference : structured array, optional
        The rows from which censoring is estimated; ``y`` itself by default.

    Returns
    -------
    outcome : float array, shape (n,)
        1 if the truce collapsed within the horizon, 0 if it was seen through the
        window or left before by another exit, NaN if it was censored first.
    weight : float array, shape (n,)
        ``1 / G(min(duration, horizon))`` where the outcome is known, else 0. With
        ``reference`` left out the weights sum to n exactly wherever any row is under
        observation on the last day of the window.

    Raises
    ------
    ValueError
        If the horizon is below one day or ``y`` is malformed.

    Notes
    -----
    Graf, Schmoor, Sauerbrei and Schumacher (1999), *Statistics in Medicine* 18, for
    scoring; Robins and Rotnitzky (1992) for fitting. The weighted mean of the outcome
    is the Aalen–Johansen cumulative incidence at the horizon.

    Examples
    --------
    >>> y = target([1, 0, 0, 1], [2, 2, 5, 9])
    >>> outcome, weight = weights(y, 4)
    >>> outcome.tolist(), weight.round(3).tolist()
    ([1.0, nan, 0.0, 0.0], [1.0, 0.0, 1.5, 1.5])
    """
    if horizon < 1:
        raise ValueError(f"a horizon is at least one day, not {horizon}")
    event, duration = _fields(y)
    known = (event != 0) | (duration >= horizon)
    collapsed = (event == 1) & (duration <= horizon)
    remaining = censoring_survival(y if reference is None else reference)
    outcome = np.where(known, collapsed.astype(float), np.nan)
    return outcome, known / remaining(np.minimum(duration, horizon))


def followed(y: Target, horizon: int) -> bool:
    """Whether rows can tell how often truces collapse within a horizon.

    Weights hand on what was lost to rows that were seen for longer. Where none was
    seen to the end of the window, nobody is left to speak for those that held: what is
    known are early ends alone, and any share of collapses among them is too high.

    Parameters
    ----------
    y : structured array, shape (n,)
        Fields ``event`` and ``duration``, as in :func:`weights`.
    horizon : int
        Length of the window in days.

    Returns
    -------
    bool
        True where a row was seen through the window, or none was censored.

    Examples
    --------
    >>> y = target([1, 0, 0], [2, 20, 40])
    >>> followed(y, 30), followed(y, 90), followed(y[:1], 90)
    (True, False, True)
    """
    event, duration = _fields(y)
    return bool((duration >= horizon).any() or (event != 0).all())


def _fields(y: Target) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    event, duration = y["event"].astype(np.int64), y["duration"].astype(np.int64)
    if not np.isin(event, (0, 1, 2)).all():
        raise ValueError("event must be 0 (censored), 1 (collapse) or 2 (other exit)")
    if (duration < 1).any():
        raise ValueError("duration must be at least one day")
    return event, duration
