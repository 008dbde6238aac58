"""The contract of sources, over every one that is found."""

import hashlib
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import dataframely as dy
import pytest
from formats import FORMATS
from hydra.utils import get_method, instantiate
from omegaconf import DictConfig, OmegaConf
from polars.testing import assert_frame_equal

from forecast.raw import InputError
from forecast.schema import Events, Loaded, Rejected, Truces

ROOT = Path(__file__).parent.parent
SCHEMAS: dict[str, type[dy.Schema]] = {"events": Events, "truces": Truces}
MODULES = [
    (kind, path.stem)
    for kind in SCHEMAS
    for path in sorted((ROOT / "forecast" / kind).glob("*.py"))
    if path.stem != "__init__"
]
CHOICES = [
    (kind, path.stem)
    for kind in SCHEMAS
    for path in sorted((ROOT / "conf" / kind).glob("*.yaml"))
]
SMALL = {"seed": 3, "conflicts": 4, "years": 4, "kind": "default", "flip": 0.5}


def function(kind: str, name: str) -> Callable[..., Loaded[Any]]:
    found: Callable[..., Loaded[Any]] = getattr(
        importlib.import_module(f"forecast.{kind}.{name}"), name
    )
    return found


def choice(kind: str, name: str, data_root: str = "data/raw") -> DictConfig:
    """The source that a YAML file describes, with the settings a verb gives it."""
    config = OmegaConf.load(ROOT / "conf" / kind / f"{name}.yaml")
    assert isinstance(config, DictConfig)
    # a choice that sets more than its own group is packaged globally
    group = config.get(kind, config)
    assert list(group) == [name], "each file carries its own key"
    settings = {"data_root": data_root, "root": str(ROOT), "world": SMALL}
    whole = OmegaConf.merge(OmegaConf.create(settings), {"source": group[name]})
    assert isinstance(whole.source, DictConfig)
    return whole.source


def test_there_are_sources_to_test() -> None:
    assert {("events", "ged"), ("truces", "ethprio")} <= set(MODULES)
    assert {("events", "syria_2016"), ("truces", "syria_2016")} <= set(CHOICES)


@pytest.mark.parametrize(("kind", "name"), MODULES)
def test_modules(kind: str, name: str) -> None:
    """A function of the module's own name, documented, and a YAML file for it."""
    source = function(kind, name)
    assert get_type_hints(source)["return"] == Loaded[SCHEMAS[kind]]  # type: ignore[misc]
    assert get_origin(get_type_hints(source)["return"]) is Loaded
    words = inspect.getdoc(source) or ""
    for section in ("Parameters", "Returns"):
        assert f"\n{section}\n{'-' * len(section)}\n" in words
    described = words.split("Parameters\n")[1].split("Returns\n")[0]
    for parameter in inspect.signature(source).parameters:
        assert parameter in described
    assert choice(kind, name)._target_ == f"forecast.{kind}.{name}.{name}"


@pytest.mark.parametrize(("kind", "name"), CHOICES)
def test_choices_name_parameters_that_exist(kind: str, name: str) -> None:
    config = choice(kind, name)
    source = get_method(config._target_)
    assert source is function(kind, config._target_.split(".")[-1])
    given = {str(key) for key in config} - {"_target_"}
    parameters = inspect.signature(source).parameters
    assert given <= set(parameters)
    needed = {n for n, p in parameters.items() if p.default is inspect.Parameter.empty}
    assert needed <= given


#: those that need no file of the user's own
COMPLETE = [names for names in CHOICES if not OmegaConf.missing_keys(choice(*names))]
#: what the laws are held to: a choice, and the example that stands in for its file
LOADED = [(*names, "") for names in COMPLETE] + [
    (of.kind, of.source.__name__, example) for example, of in FORMATS.items()
]


def test_every_source_is_loaded_by_some_choice() -> None:
    """Else the laws below would pass over a source that has no example."""
    held = {choice(kind, name)._target_ for kind, name, _ in LOADED}
    missing = {f"forecast.{kind}.{name}.{name}" for kind, name in MODULES} - held
    assert not missing, (
        f"no law is tested for {', '.join(sorted(missing))}: add a small example of "
        "its file to FORMATS in tests/formats.py, or a choice in conf without '???'"
    )


def with_data(
    kind: str, name: str, example: str, request: pytest.FixtureRequest
) -> DictConfig:
    """A choice that can be loaded; the real data are asked for only where needed."""
    config = choice(kind, name)
    if example:
        path = FORMATS[example].write(request.getfixturevalue("tmp_path"))
        # other files of the choice are real ones
        others = [k for k in ("dyads", "agreements", "deletions") if k in config]
        paths = {"path": str(path)} | dict.fromkeys(others)
        config = OmegaConf.merge(config, paths)
        assert isinstance(config, DictConfig)
        return config
    if not any("data/raw" in str(value) for value in config.values()):
        return config
    shared = request.getfixturevalue("shared")
    return choice(kind, name, str(shared / "data"))


def loaded(config: DictConfig) -> Loaded[Any]:
    result = instantiate(config)
    assert isinstance(result, Loaded)
    return result


@pytest.mark.parametrize(("kind", "name", "example"), LOADED)
def test_laws(
    kind: str, name: str, example: str, request: pytest.FixtureRequest
) -> None:
    config = with_data(kind, name, example, request)
    one, two = loaded(config), loaded(config)

    schema = SCHEMAS[kind]
    assert schema.is_valid(one.frame)
    assert one.frame.columns == schema.column_names()
    assert one.frame.height > 0
    key = schema.primary_key()
    assert_frame_equal(one.frame, one.frame.sort(key))

    # no row is lost unseen
    assert one.read == one.accepted + one.rejected.height + one.left_out["n"].sum()
    assert Rejected.is_valid(one.rejected)
    if kind == "events":
        # of truces several rows may make one, and one row several: one a dyad
        assert one.frame.height == one.accepted
        # no event is known before it is over, nor lies behind the coverage
        last = one.frame["date_end"].fill_null(one.frame["date"])
        assert (one.frame["known_from"] > last).all()
        assert one.covered_through is not None
        assert one.covered_through >= last.max()

    # the same file twice is the same frame
    assert_frame_equal(one.frame, two.frame)
    assert_frame_equal(one.rejected, two.rejected)
    assert (one.read, one.accepted, one.files) == (two.read, two.accepted, two.files)
    for path, digest in one.files.items():
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == digest
    inputs = [
        v for k, v in config.items() if k in ("path", "dyads", "agreements") and v
    ]
    assert set(one.files) == {str(path) for path in inputs}


@pytest.mark.parametrize(
    "name", [n for kind, n in MODULES if kind == "events" and n not in ("simulated",)]
)
def test_a_coverage_that_is_no_day_is_said_so(name: str, tmp_path: Path) -> None:
    example = next(f for f in FORMATS.values() if f.source is function("events", name))
    with pytest.raises(InputError, match="covered_through='soon' is no day"):
        example.source(example.write(tmp_path), covered_through="soon")
