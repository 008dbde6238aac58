"""A published model as one JSON file: no pickle, no data, and a person can read it.

The file holds the model, its refits, the baseline beside it and the mean rows that
risks are held against as numbers (:mod:`forecast.models.written`), and about them what
a scoring must know (:mod:`forecast.about`). A run whose published model is a `core`
leaves one; that of ``experiments=reference`` comes with the package,
`data/reference/model.json`.
"""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypedDict

from forecast import strict
from forecast.about import About, check, known
from forecast.explain import typical
from forecast.explain.typical import Means, Typical
from forecast.models import written
from forecast.models.baselines import Trail
from forecast.models.core import DAYS_LEFT, NEEDED, Core
from forecast.models.written import Packed, Written
from forecast.publish import Published
from forecast.raw import InputError

#: columns of the mean rows of `core`; age is that of the truce
MEANS = (*(name for name in NEEDED if name != "age_log"), DAYS_LEFT)


class Ends(TypedDict):
    """Ends of a range."""

    low: float
    high: float


class Content(TypedDict):
    """The file."""

    schema: Literal[1]
    about: About
    name: str
    baseline_name: str
    #: lowest and highest value of each column in training
    seen: dict[str, Ends]
    model: Written
    baseline: Written
    typical: Means
    refits: list[Packed]


def writable(published: Published, config: Mapping[str, Any]) -> bool:
    """Whether a run's model can be written: `core` beside `trail`, on what is ours.

    Parameters
    ----------
    published : Published
        The model.
    config : mapping
        Of the run, resolved.
    """
    ours = type(published.model) is Core and type(published.baseline) is Trail
    return ours and published.typical is not None and known(config)


def write(published: Published, about: About) -> Content:
    """Put a published model into what its file holds.

    Parameters
    ----------
    published : Published
        A `core` beside a `trail`, with its typical rows.
    about : About
        From :func:`forecast.about.describe`, or from :func:`read`.

    Returns
    -------
    Content
    """
    model = written.write(published.model)
    if published.typical is None:
        raise ValueError(f"{published.name} was published without typical rows")
    means = typical.written(published.typical)
    # what the model was not given it takes as not known
    columns = {name: means["columns"].get(name) for name in MEANS}
    return Content(
        schema=1,
        about=about,
        name=published.name,
        baseline_name=published.baseline_name,
        seen={
            name: Ends(low=low, high=high)
            for name, (low, high) in published.seen.items()
        },
        model=model,
        baseline=written.write(published.baseline),
        typical=Means(ages=means["ages"], columns=columns),
        refits=[written.pack(written.write(m), model) for m in published.refits],
    )


def text(content: Any, indent: int = 0) -> str:
    """JSON in its one form: what holds no list and no object stands on one line.

    Numbers have as many digits as it takes to read them back to the last bit.

    Examples
    --------
    >>> print(text({"mean": {"a": 0.1, "b": None}, "refits": [[1.0, 2.5], [0.5]]}))
    {
      "mean": {"a": 0.1, "b": null},
      "refits": [
        [1.0, 2.5],
        [0.5]
      ]
    }
    """
    inner = content.values() if isinstance(content, dict) else content
    if not isinstance(content, dict | list) or not any(
        isinstance(value, dict | list) for value in inner
    ):
        return json.dumps(content, ensure_ascii=False, allow_nan=False)
    pad = " " * (indent + 2)
    if isinstance(content, dict):
        names = [f"{json.dumps(k, ensure_ascii=False)}: " for k in content]
    else:
        names = [""] * len(content)
    parts = [
        f"{pad}{name}{text(value, indent + 2)}"
        for name, value in zip(names, inner, strict=True)
    ]
    start, end = "{}" if isinstance(content, dict) else "[]"
    return "\n".join([start, ",\n".join(parts), f"{' ' * indent}{end}"])


def read(path: Path) -> tuple[Published, About]:
    """Read a model that was written, refusing whatever is not as it must be.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    published : Published
        Its risks are those of the model that was fitted, but for last bits.
    about : About
        What stands beside it.

    Raises
    ------
    forecast.raw.InputError
        If it cannot be read, or has a key too many or too few, a wrong type, a number
        that is not finite, or settings that do not fit each other; it names the place.
    """
    try:
        raw = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    try:
        content = strict.parse(raw)
        strict.check(content, Content)
        check(content["about"])
        return _published(content), content["about"]
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _published(content: Content) -> Published:
    model, about = content["model"], content["about"]
    _check_model(model, "core", "model")
    _check_model(content["baseline"], "trail", "baseline")
    if [*model["horizons"]] != [*content["baseline"]["horizons"]]:
        raise InputError("baseline.horizons: not those of the model")
    refits = []
    for number, packed in enumerate(content["refits"]):
        refit = written.unpack(packed, model, f"refits.{number}")
        written.check(refit, f"refits.{number}")
        refits.append(written.restore(refit))
    return Published(
        content["name"],
        written.restore(model),
        tuple(refits),
        content["baseline_name"],
        written.restore(content["baseline"]),
        tuple(map(int, model["horizons"])),
        about["label"],
        date.fromisoformat(about["training"]["trained_through"]),
        _typical(content["typical"]),
        {name: (ends["low"], ends["high"]) for name, ends in content["seen"].items()},
    )


def _typical(content: Means) -> Typical:
    ages, columns = content["ages"], content["columns"]
    if not ages or ages != sorted({*ages}) or ages[0] < 1:
        raise InputError(f"typical.ages: expected days that ascend, not {ages}")
    strict.keys(columns, dict.fromkeys(MEANS, list[float] | None), "typical.columns")
    for name, means in columns.items():
        if means is not None and len(means) != len(ages):
            raise InputError(
                f"typical.columns.{name}: expected {len(ages)} numbers, one for each "
                f"of typical.ages, not {len(means)}"
            )
    return typical.restored(content)


def _check_model(model: Written, family: str, place: str) -> None:
    if model["family"] != family:
        raise InputError(f"{place}.family: expected {family!r}")
    written.check(model, place)
