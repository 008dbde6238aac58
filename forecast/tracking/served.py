"""The published model of a run as MLflow loads and serves it.

An MLflow model that names this module as its loader holds `model.skops`, which is read
as `forecast score` reads it, without pickle and without types that are not known.
"""

from pathlib import Path
from typing import Any

import polars as pl

from forecast.publish import Published, load

#: files of the model's data: the model, and rows as it takes them
MODEL, EXAMPLE = "model.skops", "model_input.parquet"


class Served:
    """A published model that takes features and gives risks, a column a horizon."""

    def __init__(self, published: Published, taken: pl.Schema) -> None:
        self.published, self.taken = published, taken

    def predict(self, model_input: Any, params: Any = None) -> Any:  # noqa: ARG002
        """Risk of collapse within each horizon.

        Parameters
        ----------
        model_input : pandas.DataFrame
            Features, a row a truce and morning; numbers, with yes and no as 1 and 0.
            What is missing is not known.
        params : optional
            As MLflow passes it; there are none.

        Returns
        -------
        pandas.DataFrame
            ``risk_7d`` and so on.
        """
        given = pl.from_pandas(model_input)
        X = given.select(
            (pl.col(name) if name in given.columns else pl.lit(None))
            .cast(kind, strict=False)
            .alias(name)
            for name, kind in self.taken.items()
        )
        return pl.DataFrame(
            self.published.model.predict_risk(X), schema=risks(self.published.horizons)
        ).to_pandas()


def risks(horizons: tuple[int, ...]) -> list[str]:
    """Names of the columns that are given.

    Examples
    --------
    >>> risks((7, 30))
    ['risk_7d', 'risk_30d']
    """
    return [f"risk_{horizon}d" for horizon in horizons]


def _load_pyfunc(path: str) -> Served:
    """Load the model from the folder of its data, as MLflow asks for it."""
    folder = Path(path)
    taken = pl.read_parquet_schema(folder / EXAMPLE)
    return Served(load(folder / MODEL), pl.Schema(taken))
