"""When models are fitted, and which origins each fit forecasts.

Every split is crossed with time: a fold forecasts the origins from its cutoff on, by
what was known then. Training labels therefore end the day before the cutoff, or
``gap_days`` earlier, so that no window of a training row reaches into the test period.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import polars as pl


@dataclass(frozen=True)
class Fold:
    """Origins in ``[cutoff, end)`` are forecast by what was known at the cutoff.

    Parameters
    ----------
    cutoff : date
        The first morning that is forecast.
    end : date or None
        The next fold's cutoff; None is open.
    gap_days : int
        Training knows nothing of the last ``gap_days`` days before the cutoff.
    since : date, optional
        First origin of the training rows (a sliding window); None is all.
    by : str, optional
        Column of the panel whose values are shared out among ``parts`` parts. The
        fold forecasts the values of ``part`` and learns from those of the others.
    part, parts : int
        See ``by``.
    """

    cutoff: date
    end: date | None
    gap_days: int = 0
    since: date | None = None
    by: str | None = None
    part: int = 0
    parts: int = 1

    @property
    def known(self) -> date:
        """The morning as of which the training panel stands."""
        return self.cutoff - timedelta(days=self.gap_days)

    def train(
        self, panel: pl.DataFrame, test: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        """Rows to learn from, of the panel as it stood on the morning ``known``.

        A dyad may have truces in two countries or conflicts: where groups are held out,
        dyads of the rows of ``test`` are held out with them.
        """
        if self.since is not None:
            panel = panel.filter(pl.col("origin") >= self.since)
        if not self.by:
            return panel
        others = panel.filter(~self._held_out(panel))
        return others if test is None else others.join(test, on="dyad_id", how="anti")

    def test(self, panel: pl.DataFrame) -> pl.DataFrame:
        """Rows to forecast."""
        ahead = pl.col("origin") >= self.cutoff
        if self.end is not None:
            ahead &= pl.col("origin") < self.end
        rows = panel.filter(ahead)
        return rows.filter(self._held_out(rows)) if self.by else rows

    def groups(self, panel: pl.DataFrame) -> set[str]:
        """Groups that rows belong to; none where the fold has no groups."""
        return set(self._group(panel)) if self.by else set()

    def _group(self, panel: pl.DataFrame) -> pl.Series:
        if self.by is None:
            raise ValueError("a fold without groups holds nothing out")
        # a row without the value is a group with the rest of its dyad
        return panel.select(pl.coalesce(self.by, "dyad_id")).to_series()

    def _held_out(self, panel: pl.DataFrame) -> pl.Series:
        group = self._group(panel)
        own = [g for g in group.unique() if part_of(g, self.parts) == self.part]
        return group.is_in(own)


def part_of(group: str, parts: int) -> int:
    """Part, from 0, that a group belongs to: the same one whatever else there is.

    Examples
    --------
    >>> part_of("411", 5) == part_of("411", 5)
    True
    """
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") % parts


class Overlap(ValueError):
    """A fold is to be forecast by models that learned from it."""


def overlaps(fold: Fold, train: pl.DataFrame, test: pl.DataFrame) -> list[str]:
    """What the training rows of a fold share with its test rows.

    Parameters
    ----------
    fold : Fold
        The fold.
    train, test : pl.DataFrame
        Panel rows that are learned from, and those that are forecast.

    Returns
    -------
    list of str
        What is wrong, in words; nothing for a sound fold: every training row lies
        before the cutoff and its label ends before the morning that training knows,
        no row is learned from and forecast, no group is on both sides, nor a dyad where
        groups are held out.

    Examples
    --------
    >>> rows = pl.DataFrame({"truce_id": ["a", "a"], "dyad_id": ["1", "1"],
    ...     "origin": [date(2010, 12, 1), date(2011, 1, 5)], "duration": [40, 9]})
    >>> overlaps(Fold(date(2011, 1, 1), None), rows[:1], rows[1:])
    ['1 of 1 training labels end on 2011-01-01 or later']
    """
    keys = ["truce_id", "origin"]
    last = pl.col("origin") + pl.duration(days=pl.col("duration") - 1)
    counted = [
        (
            train.filter(pl.col("origin") >= fold.cutoff).height,
            f"of {train.height} training rows lie on {fold.cutoff} or later",
        ),
        (
            train.filter(last >= fold.known).height,
            f"of {train.height} training labels end on {fold.known} or later",
        ),
        (
            test.filter(pl.col("origin") < fold.cutoff).height,
            f"of {test.height} test rows lie before {fold.cutoff}",
        ),
        (
            test.join(train, on=keys, how="semi").height,
            f"of {test.height} test rows are learned from",
        ),
        (
            len(fold.groups(train) & fold.groups(test)),
            f"values of {fold.by} are both learned from and forecast",
        ),
        (
            len(_dyads(fold, train) & _dyads(fold, test)),
            f"dyads with several values of {fold.by} are learned from and forecast",
        ),
    ]
    return [f"{n} {what}" for n, what in counted if n]


def _dyads(fold: Fold, rows: pl.DataFrame) -> set[str]:
    """Dyads that must lie on one side; of a split by dyads the groups tell."""
    return set() if fold.by in (None, "dyad_id") else set(rows["dyad_id"])


@dataclass(frozen=True)
class Rolling:
    """Cutoffs at equal steps through the calendar.

    Parameters
    ----------
    first : date or str
        The first cutoff, ``YYYY-MM-DD``.
    months : int
        Months from one cutoff to the next.
    gap_days : int
        See :class:`Fold`. Without a gap, what training does not see ends the day
        before the cutoff and is censored there, which costs no row.
    window_months : int, optional
        Training keeps the origins of so many months before each cutoff; None lets it
        grow from fold to fold.

    Examples
    --------
    >>> split = Rolling("2009-01-01")
    >>> [fold.cutoff.year for fold in split.folds(date(2011, 12, 31))]
    [2009, 2010, 2011]
    """

    first: date | str
    months: int = 12
    gap_days: int = 0
    window_months: int | None = None

    def folds(self, covered_through: date) -> list[Fold]:
        """Folds up to the last day that the data cover; the last one is open.

        Raises
        ------
        ValueError
            If the first cutoff lies after the last day, or the step, gap or window is
            not possible.
        """
        _at_least("months", self.months, 1)
        _at_least("gap_days", self.gap_days, 0)
        first = _within(self.first, "the first cutoff", covered_through)
        cutoffs = pl.date_range(
            first, covered_through, f"{self.months}mo", eager=True
        ).to_list()
        return [
            Fold(cutoff, end, self.gap_days, self._since(cutoff))
            for cutoff, end in pairwise([*cutoffs, None])
        ]

    def _since(self, cutoff: date) -> date | None:
        if self.window_months is None:
            return None
        _at_least("window_months", self.window_months, 1)
        since: date = pl.select(
            pl.lit(cutoff).dt.offset_by(f"-{self.window_months}mo")
        ).item()
        return since


@dataclass(frozen=True)
class LastFold:
    """One cutoff near the end of the data: what a forecaster would do once.

    Parameters
    ----------
    months : int
        Months from the cutoff to the day after the last day of the data.
    gap_days : int
        See :class:`Fold`.

    Examples
    --------
    >>> LastFold().folds(date(2011, 12, 31))[0].cutoff
    datetime.date(2011, 1, 1)
    """

    months: int = 12
    gap_days: int = 0

    def folds(self, covered_through: date) -> list[Fold]:
        """The one fold; it is open.

        Raises
        ------
        ValueError
            If months or gap are not possible.
        """
        _at_least("months", self.months, 1)
        _at_least("gap_days", self.gap_days, 0)
        after = covered_through + timedelta(days=1)
        cutoff = pl.select(pl.lit(after).dt.offset_by(f"-{self.months}mo")).item()
        return [Fold(cutoff, None, self.gap_days)]


@dataclass(frozen=True)
class Once:
    """One fit, and all origins from then on: a forecaster who never learns anew.

    Parameters
    ----------
    first : date or str
        The cutoff, ``YYYY-MM-DD``.
    end : date or str, optional
        First day that is not forecast any more; None: as far as the data go.
    gap_days : int
        See :class:`Fold`.

    Examples
    --------
    >>> [fold.cutoff.year for fold in Once("2008-01-01").folds(date(2011, 12, 31))]
    [2008]
    """

    first: date | str
    end: date | str | None = None
    gap_days: int = 0

    def folds(self, covered_through: date) -> list[Fold]:
        """The one fold.

        Raises
        ------
        ValueError
            If it begins after the last day of the data, or ends before it begins, or
            the gap is not possible.
        """
        end = None if self.end is None else date.fromisoformat(str(self.end))
        _at_least("gap_days", self.gap_days, 0)
        first = _within(self.first, "the cutoff", covered_through)
        if end is not None and end <= first:
            raise ValueError(f"split: end={end}; expected a day after {first}")
        return [Fold(first, end, self.gap_days)]


@dataclass(frozen=True)
class Unseen:
    """Rolling cutoffs, and groups that a fit has never seen: whether it transfers.

    The groups are shared out among parts by a digest of their names, so that a group
    stays in its part whatever is added. At each cutoff each part is forecast by a fit
    on the others: every origin once.

    Parameters
    ----------
    by : str
        Column of the panel: ``dyad_id``, ``conflict_id`` or ``country``.
    first, months, gap_days
        See :class:`Rolling`.
    parts : int
        Number of parts.

    Examples
    --------
    >>> folds = Unseen("dyad_id", "2010-01-01", parts=3).folds(date(2011, 12, 31))
    >>> [(fold.cutoff.year, fold.part) for fold in folds]
    [(2010, 0), (2010, 1), (2010, 2), (2011, 0), (2011, 1), (2011, 2)]
    """

    by: str
    first: date | str
    months: int = 12
    gap_days: int = 0
    parts: int = 5

    def folds(self, covered_through: date) -> list[Fold]:
        """Every part at every cutoff.

        Raises
        ------
        ValueError
            As :meth:`Rolling.folds`; or if there are no groups of that name, or fewer
            than two parts.
        """
        if self.by not in ("dyad_id", "conflict_id", "country"):
            raise ValueError(
                f"split: by={self.by}; expected dyad_id, conflict_id or country"
            )
        _at_least("parts", self.parts, 2)
        return list(self._crossed(covered_through))

    def _crossed(self, covered_through: date) -> Iterator[Fold]:
        rolling = Rolling(self.first, self.months, self.gap_days)
        for fold in rolling.folds(covered_through):
            for part in range(self.parts):
                yield Fold(
                    fold.cutoff,
                    fold.end,
                    self.gap_days,
                    None,
                    self.by,
                    part,
                    self.parts,
                )


def _within(day: date | str, what: str, covered_through: date) -> date:
    """A cutoff, if the data reach it."""
    cutoff = date.fromisoformat(str(day))
    if cutoff > covered_through:
        raise ValueError(
            f"split: {what} {cutoff} lies after the last day of the data, "
            f"{covered_through}"
        )
    return cutoff


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"split: {name}={value}; expected {least} or more")
