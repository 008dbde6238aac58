"""When models are fitted, and which origins each fit forecasts."""

from dataclasses import dataclass
from datetime import date

import polars as pl


@dataclass(frozen=True)
class Fold:
    """Origins in ``[cutoff, end)`` are forecast by what was known at the cutoff."""

    cutoff: date
    end: date | None


@dataclass(frozen=True)
class Rolling:
    """Cutoffs at equal steps through the calendar; training grows from fold to fold.

    Parameters
    ----------
    first : date or str
        The first cutoff, ``YYYY-MM-DD``.
    months : int
        Months from one cutoff to the next.

    Examples
    --------
    >>> split = Rolling("2009-01-01")
    >>> [fold.cutoff.year for fold in split.folds(date(2011, 12, 31))]
    [2009, 2010, 2011]
    """

    first: date | str
    months: int = 12

    def folds(self, covered_through: date) -> list[Fold]:
        """Folds up to the last day that the data cover; the last one is open.

        Raises
        ------
        ValueError
            If the first cutoff lies after the last day, or the step is not positive.
        """
        first = date.fromisoformat(str(self.first))
        if self.months < 1:
            raise ValueError(f"split: months={self.months}; expected 1 or more")
        if first > covered_through:
            raise ValueError(
                f"split: the first cutoff {first} lies after the last day of the data, "
                f"{covered_through}"
            )
        cutoffs = pl.date_range(
            first, covered_through, f"{self.months}mo", eager=True
        ).to_list()
        ends = [*cutoffs[1:], None]
        return [Fold(c, e) for c, e in zip(cutoffs, ends, strict=True)]
