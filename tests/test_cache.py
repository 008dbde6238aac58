"""A cached frame is the computed one, and is computed anew when anything behind it is.

What decides a frame: rows of the inputs, code of the feature and of all modules behind
it, settings. What must not: chunks, names and dates of files, other runs, accidents.
"""

import importlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from shutil import copytree
from typing import Any

import polars as pl
import pytest
from finished import FEW, finished
from hydra.utils import instantiate
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from polars.testing import assert_frame_equal

import forecast.features
from forecast.cache import ABANDONED, Account, compute, digest
from forecast.collapse import resumption
from forecast.commands import run, score
from forecast.features import KEYS, Feature
from forecast.features.age import age
from forecast.features.recent import recent
from forecast.imports import BEGAN, code_digest, modules
from forecast.link import link, linked
from forecast.panel import panel
from forecast.record import config_digest
from forecast.schema import Panel, Truces
from forecast.simulated import World

PACKAGE = Path(forecast.__file__).parent
CONF = PACKAGE.parent / "conf"
NAMES = sorted(
    path.stem
    for path in Path(forecast.features.__file__).parent.glob("*.py")
    if path.stem != "__init__"
)
Inputs = tuple[Any, pl.DataFrame, Any]


def build(name: str, **changed: Any) -> tuple[str, Feature]:
    """A feature as its YAML file has it, but for what is changed."""
    whole = OmegaConf.merge(
        OmegaConf.load(CONF / "features" / f"{name}.yaml"),
        {"collapse": OmegaConf.load(CONF / "collapse" / "resumption.yaml")},
    )
    return name, instantiate(whole[name], **changed)


SHIPPED = [build(name) for name in NAMES]


@pytest.fixture(scope="module")
def inputs(world: World) -> Inputs:
    """Every seventh origin of the world, linked events, and truces."""
    args = (world.truces, world.events, world.covered_through, resumption)
    rows = Panel.validate(panel(*args)[0].gather_every(7))
    return rows, linked(world.events, link(world.truces, world.events)), world.truces


def computed(inputs: Inputs, features: Sequence[Any], folder: Path) -> list[str]:
    """Names of the features that were computed, after the frames were proved right."""
    frames, account = compute(features, *inputs, folder)
    for frame, plain in zip(frames, compute(features, *inputs, None)[0], strict=True):
        assert_frame_equal(frame, plain, check_exact=True)
    assert sorted(account.computed + account.cached) == sorted(n for n, _ in features)
    assert account.notes == []
    return account.computed


def files(folder: Path) -> list[Path]:
    """What a folder holds, hidden or not."""
    return sorted(folder.iterdir())


# what is kept


def test_every_shipped_feature_comes_back_as_it_was_computed(
    inputs: Inputs, tmp_path: Path
) -> None:
    assert computed(inputs, SHIPPED, tmp_path) == NAMES
    assert computed(inputs, SHIPPED, tmp_path) == []
    frames, _ = compute(SHIPPED, *inputs, tmp_path)
    plain, account = compute(SHIPPED, *inputs, None)
    assert account == Account(computed=NAMES)
    for (name, _), kept, fresh in zip(SHIPPED, frames, plain, strict=True):
        assert kept.schema == fresh.schema, name
        assert kept.columns == fresh.columns, name
        assert digest(kept) == digest(fresh), name


def test_a_panel_without_rows_is_kept_too(inputs: Inputs, tmp_path: Path) -> None:
    empty = (Panel.create_empty(), *inputs[1:])
    assert computed(empty, SHIPPED, tmp_path) == NAMES
    assert computed(empty, SHIPPED, tmp_path) == []


def test_no_folder_no_file(inputs: Inputs, tmp_path: Path) -> None:
    compute(SHIPPED, *inputs, None)
    assert files(tmp_path) == []


# what decides: settings


def test_one_change_of_settings_computes_one(inputs: Inputs, tmp_path: Path) -> None:
    computed(inputs, SHIPPED, tmp_path)
    other = [f if f[0] != "recent" else build("recent", windows=[5]) for f in SHIPPED]
    assert computed(inputs, other, tmp_path) == ["recent"]
    assert computed(inputs, other, tmp_path) == []
    assert computed(inputs, SHIPPED, tmp_path) == [], "the older one is still there"


def test_a_name_may_come_twice_with_other_settings(
    inputs: Inputs, tmp_path: Path
) -> None:
    both = [build("recent"), build("recent", windows=[5])]
    assert computed(inputs, both, tmp_path) == ["recent", "recent"]
    assert computed(inputs, both, tmp_path) == []


def test_the_same_function_by_another_name_is_another_frame(
    inputs: Inputs, tmp_path: Path
) -> None:
    def aged(rows: pl.DataFrame, *_: Any) -> pl.DataFrame:
        return rows.select(*KEYS, a_b_n="age_days")

    assert computed(inputs, [("a", aged)], tmp_path) == ["a"]
    assert computed(inputs, [("a_b", aged)], tmp_path) == ["a_b"]
    assert computed(inputs, [("a", aged), ("a_b", aged)], tmp_path) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"windows": [7]}, {"windows": [7, 30]}),
        ({"windows": [7, 30]}, {"windows": [30, 7]}),
        ({"windows": [14]}, {"windows": [14.0]}),
        ({"windows": [1]}, {"windows": [True]}),
        ({"windows": None}, {"windows": []}),
        ({"windows": "7"}, {"windows": 7}),
        ({"windows": {"a": 1, "b": 2}}, {"windows": {"b": 2, "a": 1}}),
        ({"windows": {"a": 1}}, {"windows": [["a", 1]]}),
        ({"windows": date(2020, 1, 1)}, {"windows": "2020-01-01"}),
        ({"windows": [7]}, {"half_lives": [7]}),
    ],
)
def test_settings_that_may_act_otherwise_are_told_apart(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    first, second = (code_digest(partial(recent, **given)) for given in (one, other))
    assert first
    assert second
    assert first != second


def test_settings_count_by_value_not_by_type_of_container() -> None:
    listed = OmegaConf.create({"windows": [7, 30]})["windows"]
    found = {code_digest(partial(recent, windows=w)) for w in (listed, (7, 30))}
    assert len(found) == 1
    assert None not in found


# what decides: inputs


def _changed(inputs: Inputs) -> dict[str, Inputs]:
    rows, coded, records = inputs
    later = pl.when(pl.int_range(pl.len()) == 5)
    return {
        "a panel row": (
            rows.with_columns(later.then(9.0).otherwise("level").alias("level")),
            coded,
            records,
        ),
        "a row less": (rows.head(-1), coded, records),
        "a death": (
            rows,
            coded.with_columns(later.then(999).otherwise("deaths").alias("deaths")),
            records,
        ),
        "the order of events": (rows, coded.reverse(), records),
        "a truce": (
            rows,
            coded,
            Truces.validate(
                records.with_columns(
                    later.then(44).otherwise("term_days").alias("term_days")
                )
            ),
        ),
    }


def test_one_change_in_the_inputs_computes_all(inputs: Inputs, tmp_path: Path) -> None:
    computed(inputs, SHIPPED, tmp_path)
    for what, changed in _changed(inputs).items():
        assert computed(changed, SHIPPED, tmp_path) == NAMES, what
    assert computed(inputs, SHIPPED, tmp_path) == []


def test_another_outcome_computes_none(inputs: Inputs, tmp_path: Path) -> None:
    rows, *rest = inputs
    relabelled = rows.with_columns(
        event=(1 - pl.col("event")).abs().cast(pl.Int8), duration=pl.lit(3, pl.Int32)
    )
    assert digest(relabelled) != digest(rows)
    computed(inputs, SHIPPED, tmp_path)
    assert computed((relabelled, *rest), SHIPPED, tmp_path) == []


@pytest.mark.parametrize("column", ["event", "duration"])
def test_no_feature_is_given_the_outcome(inputs: Inputs, column: str) -> None:
    def outcome(rows: pl.DataFrame, *_: Any) -> pl.DataFrame:
        return rows.select(*KEYS, outcome_x=column)

    with pytest.raises(pl.exceptions.ColumnNotFoundError, match=column):
        compute([("outcome", outcome)], *inputs, None)


# the digest of a frame

TYPES: dict[Any, st.SearchStrategy[Any]] = {
    pl.Int64: st.integers(-3, 3),
    pl.Int8: st.integers(-3, 3),
    pl.Boolean: st.booleans(),
    pl.Float64: st.sampled_from([0.0, 1.0, -1.5, float("inf")]),
    pl.Date: st.sampled_from([date(1970, 1, 1), date(1970, 1, 2)]),
    pl.Datetime("us"): st.sampled_from([datetime(1970, 1, 1), datetime(1970, 1, 2)]),
    pl.String: st.sampled_from(["", "a", "aa", "b", "é", "\0"]),
    pl.Enum(["a", "b"]): st.sampled_from(["a", "b"]),
    pl.Enum(["b", "a"]): st.sampled_from(["a", "b"]),
    pl.Categorical: st.sampled_from(["a", "b"]),
    pl.List(pl.String): st.lists(st.sampled_from(["", "a", "aa", None]), max_size=2),
    pl.List(pl.Int64): st.lists(st.sampled_from([0, 1, None]), max_size=2),
}


def cells(kind: Any) -> st.SearchStrategy[Any]:
    return next(drawn for known, drawn in TYPES.items() if known == kind)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two frames so small that they are often alike, most of one schema."""
    names = draw(st.lists(st.sampled_from("ab"), unique=True, max_size=2))
    schema = {name: draw(st.sampled_from(list(TYPES))) for name in names}
    other = draw(st.sampled_from([schema, schema, dict.fromkeys("ba", pl.String)]))
    height = draw(st.integers(0, 2))
    one, two = (
        pl.DataFrame(
            [
                pl.Series(
                    name, [draw(st.none() | cells(kind)) for _ in range(height)], kind
                )
                for name, kind in columns.items()
            ]
        )
        for columns in (schema, other)
    )
    return one, two


frames = pairs().map(lambda pair: pair[0])


@given(pairs())
def test_two_frames_have_one_digest_exactly_if_they_are_equal(
    pair: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    one, other = pair
    alike = list(one.schema.items()) == list(other.schema.items()) and one.equals(other)
    assert (digest(one) == digest(other)) == alike


@given(frames.filter(lambda f: f.width and f.height), st.data())
def test_any_change_changes_the_digest(
    frame: pl.DataFrame, data: st.DataObject
) -> None:
    first, name = digest(frame), data.draw(st.sampled_from(frame.columns))
    row, kind = data.draw(st.integers(0, frame.height - 1)), frame.schema[name]
    held = frame[name].to_list()
    new = (st.none() | cells(kind)).filter(lambda cell: cell != held[row])
    changed = [*held[:row], data.draw(new), *held[row + 1 :]]
    assert digest(frame.with_columns(pl.Series(name, changed, kind))) != first
    assert digest(frame.rename({name: "c"})) != first
    assert digest(frame.with_columns(pl.col(name).alias("c"))) != first
    assert digest(frame.head(-1)) != first
    assert (digest(frame.reverse()) == first) == frame.reverse().equals(frame)


@pytest.mark.parametrize("held", [[], [None, None]])
def test_types_are_told_apart_where_the_values_cannot_tell(held: list[None]) -> None:
    found = {digest(pl.DataFrame([pl.Series("a", held, kind)])) for kind in TYPES}
    assert len(found) == len(TYPES)


@given(frames, st.integers(0, 3))
def test_how_a_frame_lies_in_memory_means_nothing(
    frame: pl.DataFrame, cut: int
) -> None:
    parts = [frame[:cut], frame[cut:]]
    assert digest(pl.concat(parts, rechunk=False)) == digest(frame)
    assert digest(pl.concat(parts).rechunk()) == digest(frame)
    padded = pl.concat([frame, frame, frame])
    assert digest(padded[frame.height : 2 * frame.height]) == digest(frame)
    assert digest(frame.clone()) == digest(frame)


def test_what_lies_under_a_null_means_nothing() -> None:
    one = pl.DataFrame({"n": [1, 2], "t": ["a", "b"]})
    other = pl.DataFrame({"n": [7, 2], "t": ["long enough for the heap", "b"]})
    hidden = [
        frame.select(pl.when(pl.int_range(pl.len()) > 0).then(pl.all()))
        for frame in (one, other)
    ]
    assert hidden[0].equals(hidden[1])
    assert digest(hidden[0]) == digest(hidden[1])


def test_the_digest_of_the_events_is_the_same_in_another_process(
    inputs: Inputs, tmp_path: Path
) -> None:
    inputs[1].write_parquet(tmp_path / "events.parquet")
    code = (
        "import sys, polars as pl; from forecast.cache import digest;"
        "print(digest(pl.read_parquet(sys.argv[1])))"
    )
    said = _python(code, str(tmp_path / "events.parquet"))
    assert said.strip() == digest(inputs[1])


# what decides: code


def _python(code: str, *words: str, path: Path = PACKAGE.parent) -> str:
    """What a new process prints whose packages lie in a folder."""
    answer = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(path)},
        cwd=path,
    )
    return answer.stdout


#: a user's feature, the module beside it, and one in a package behind that
MINE = {
    "mine.py": """
from forecast.features import KEYS
def mine(panel, events, truces, *, times=1):
    from mine_rates import RATE
    return panel.select(*KEYS, mine_x=RATE * times)
""",
    "mine_rates.py": "from mine_kit import deep\nRATE = deep.RATE\n",
    "mine_kit/__init__.py": "",
    "mine_kit/deep.py": "from .core import BASE\nRATE = BASE + 1\n",
    "mine_kit/core.py": "BASE = 1\n",
    "mine_else.py": "BASE = 1\n",
}


@pytest.fixture
def mine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[str, Feature]]]:
    """Write a feature of one's own, with one file changed, and import it anew."""
    folder = tmp_path / "own"
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(changed: str | None = None, age: float = 1e6) -> tuple[str, Feature]:
        for name, text in MINE.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("= 1\n", "= 2\n") if name == changed else text)
            os.utime(path, (BEGAN - age, BEGAN - age))
        _forget()
        return "mine", importlib.import_module("mine").mine

    yield write
    _forget()


def _forget() -> None:
    for name in [n for n in sys.modules if n.startswith("mine")]:
        del sys.modules[name]
    importlib.invalidate_caches()


def test_a_change_in_an_imported_module_computes_anew(
    mine: Callable[..., tuple[str, Feature]], inputs: Inputs, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    assert computed(inputs, [mine()], folder) == ["mine"]
    assert computed(inputs, [mine()], folder) == []
    assert computed(inputs, [mine("mine_else.py")], folder) == [], "it is not imported"
    assert computed(inputs, [mine("mine_kit/core.py")], folder) == ["mine"]
    assert compute([mine()], *inputs, folder)[0][0]["mine_x"][0] == 2
    assert compute([mine("mine_kit/core.py")], *inputs, folder)[0][0]["mine_x"][0] == 3


def test_the_date_of_a_file_means_nothing(
    mine: Callable[..., tuple[str, Feature]],
) -> None:
    assert code_digest(mine(age=5)[1]) == code_digest(mine(age=7e6)[1])


def test_what_changed_since_the_process_began_is_not_trusted(
    mine: Callable[..., tuple[str, Feature]], inputs: Inputs, tmp_path: Path
) -> None:
    """The process may still hold the older code."""
    feature, folder = mine(), tmp_path / "cache"
    os.utime(tmp_path / "own" / "mine_kit" / "core.py")
    for _ in range(2):
        assert computed(inputs, [feature], folder) == ["mine"]
    assert not folder.exists()


LOADED = """
import importlib, json, sys
def loaded(name):
    for other in [m for m in sys.modules if m.split(".")[0] == "forecast"]:
        del sys.modules[other]
    importlib.import_module(f"forecast.features.{name}")
    return [m for m in sys.modules if m.split(".")[0] == "forecast"]
print(json.dumps({name: loaded(name) for name in sys.argv[1:]}))
"""


def test_every_module_that_an_import_runs_is_found() -> None:
    loaded = json.loads(_python(LOADED, *NAMES))
    for name in NAMES:
        path = PACKAGE / "features" / f"{name}.py"
        found = modules(f"forecast.features.{name}", path)
        assert set(loaded[name]) <= set(found)
        assert found[f"forecast.features.{name}"] == path
        assert all(file.is_file() for file in found.values())
        assert not {m for m in found if m.startswith(("forecast.commands", "polars"))}


EDITED = """
import os, sys
from pathlib import Path
from forecast.features.age import age
from forecast.features.recent import recent
from forecast.imports import BEGAN, HOME, code_digest
for name in sys.argv[1:]:
    with (HOME / name).open("a") as file:
        file.write("\\n")
    os.utime(HOME / name, (BEGAN - 1, BEGAN - 1))
    print(code_digest(age), code_digest(recent))
"""


def test_a_change_in_the_engine_is_a_change_of_what_it_drives(tmp_path: Path) -> None:
    """In a copy of the package: age sums over no windows, no feature reads metrics."""
    copytree(PACKAGE, tmp_path / "forecast")
    edited = ["features/recent.py", "metrics.py", "windows.py", "codes/ucdp.csv"]
    said = _python(EDITED, *edited, path=tmp_path).splitlines()
    ages, recents = zip(*map(str.split, said), strict=True)
    assert "None" not in ages + recents
    assert [a == b for a, b in pairwise(ages)] == [True, True, False]
    assert [a == b for a, b in pairwise(recents)] == [
        True,
        False,
        False,
    ]


def test_functions_of_a_file_are_told_apart(inputs: Inputs, tmp_path: Path) -> None:
    pair = [lambda p, e, t: _ages(p, 1), lambda p, e, t: _ages(p, 2)]  # noqa: ARG005
    looped = [lambda p, e, t, k=k: _ages(p, k) for k in (3, 4)]  # noqa: ARG005
    for feature in (*pair, *looped, *map(_held, (5, 6))):
        assert computed(inputs, [("x", feature)], tmp_path) == ["x"]
        assert computed(inputs, [("x", feature)], tmp_path) == []


def _ages(rows: pl.DataFrame, times: int) -> pl.DataFrame:
    return rows.select(*KEYS, x_age=pl.col("age_days") * times)


def _held(times: int) -> Feature:
    def feature(rows: Any, coded: pl.DataFrame, records: Any) -> pl.DataFrame:
        del coded, records
        return _ages(rows, times)

    return feature


class Multiplied:
    """A feature with a state of its own."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self, rows: pl.DataFrame, *_: Any) -> pl.DataFrame:
        return _ages(rows, self.times)


def _typed_in() -> Any:
    space: dict[str, Any] = {"_ages": _ages, "__name__": __name__}
    exec("def typed(p, e, t): return _ages(p, 2)", space)
    return space["typed"]


@pytest.mark.parametrize(
    "feature",
    [
        Multiplied(2),
        Multiplied(2).__call__,
        _typed_in(),
        partial(Multiplied(2)),
        _held(times=pl.lit(2)),  # type: ignore[arg-type]
        partial(lambda p, e, t, by: by(p, 2), by=_ages),  # noqa: ARG005
    ],
    ids=["object", "method", "no_source", "partial", "held", "setting"],
)
def test_what_cannot_be_known_is_computed_each_time(
    feature: Any, inputs: Inputs, tmp_path: Path
) -> None:
    assert code_digest(feature) is None
    for _ in range(2):
        assert computed(inputs, [("x", feature)], tmp_path) == ["x"]
    assert files(tmp_path) == []


def test_a_feature_that_breaks_the_contract_is_not_kept(
    inputs: Inputs, tmp_path: Path
) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="lacks its name in front"):
            compute([("y", partial(_held(1)))], *inputs, tmp_path)
    assert files(tmp_path) == []


# accidents


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda content: content[: len(content) // 2],
    "no_footer": lambda content: content[:-8],
    "one_bit": lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:],
    "longer": lambda content: content + b"\0",
    "words": lambda _: b"this is no Parquet",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_replaced(
    damage: str, inputs: Inputs, tmp_path: Path
) -> None:
    computed(inputs, SHIPPED, tmp_path)
    (path,) = tmp_path.glob("age-*.parquet")
    content = path.read_bytes()
    path.write_bytes(DAMAGE[damage](content))
    assert computed(inputs, SHIPPED, tmp_path) == ["age"]
    assert path.read_bytes() == content
    assert computed(inputs, SHIPPED, tmp_path) == []


def test_what_bears_a_true_name_and_is_no_frame_is_replaced(
    inputs: Inputs, tmp_path: Path
) -> None:
    computed(inputs, [("age", age)], tmp_path)
    (path,) = files(tmp_path)
    content = b"this is no Parquet"
    stem = path.stem.rpartition("-")[0]
    path.rename(tmp_path / "kept")
    (tmp_path / f"{stem}-{sha256(content).hexdigest()}.parquet").write_bytes(content)
    (tmp_path / "kept").unlink()
    assert computed(inputs, [("age", age)], tmp_path) == ["age"]
    assert path in files(tmp_path)


def test_a_folder_in_place_of_a_file_costs_no_results(
    inputs: Inputs, tmp_path: Path
) -> None:
    computed(inputs, SHIPPED, tmp_path)
    (path,) = tmp_path.glob("age-*.parquet")
    path.unlink()
    path.mkdir()
    _, account = compute(SHIPPED, *inputs, tmp_path)
    assert account.computed == ["age"]
    assert len(account.notes) == 1


@pytest.mark.parametrize("inside", [".", "deeper/still"])
def test_a_folder_that_cannot_be_made_is_one_note(
    inside: str, inputs: Inputs, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    frames, account = compute(SHIPPED, *inputs, tmp_path / "file" / inside)
    (note,) = account.notes
    assert note.startswith("features are not cached: ")
    assert account.computed == NAMES
    for frame, plain in zip(frames, compute(SHIPPED, *inputs, None)[0], strict=True):
        assert_frame_equal(frame, plain, check_exact=True)


def test_many_writers_do_each_other_no_harm(inputs: Inputs, tmp_path: Path) -> None:
    plain = compute(SHIPPED, *inputs, None)[0]
    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(compute, SHIPPED, *inputs, tmp_path) for _ in range(12)]
    for job in jobs:
        frames, account = job.result()
        assert account.notes == []
        assert all(a.equals(b) for a, b in zip(frames, plain, strict=True))
    assert len(files(tmp_path)) == len(NAMES)
    assert computed(inputs, SHIPPED, tmp_path) == []


@pytest.mark.slow
def test_writers_that_also_trim_do_each_other_no_harm(
    inputs: Inputs, tmp_path: Path
) -> None:
    plain = compute(SHIPPED, *inputs, None)[0]
    with ThreadPoolExecutor(6) as pool:
        jobs = [
            pool.submit(compute, SHIPPED, *inputs, tmp_path, limit=3_000 * i)
            for i in range(12)
        ]
    for job in jobs:
        frames, account = job.result()
        assert account.notes == []
        assert all(a.equals(b) for a, b in zip(frames, plain, strict=True))


WRITING = """
import sys
from pathlib import Path
import polars as pl
from forecast.cache import _keep
frame = pl.DataFrame({"x": range(200_000)})
print("ready", flush=True)
for i in range(10_000):
    _keep(Path(sys.argv[1]), f"x-{i:064x}", frame.with_columns(y=i))
"""


def test_a_killed_writer_leaves_nothing_half(tmp_path: Path) -> None:
    words = [sys.executable, "-c", WRITING, str(tmp_path)]
    env = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        while len(list(tmp_path.glob("*.parquet"))) < 5:
            time.sleep(0.01)
        writer.send_signal(signal.SIGKILL)
    assert writer.returncode == -signal.SIGKILL
    for path in tmp_path.glob("*.parquet"):
        assert path.stem.endswith(sha256(path.read_bytes()).hexdigest())
        assert pl.read_parquet(path).height == 200_000
    assert all(p.suffix == ".parquet" or p.name[0] == "." for p in files(tmp_path))


def test_what_a_killed_run_left_half_is_no_frame_and_goes(
    inputs: Inputs, tmp_path: Path
) -> None:
    computed(inputs, [("age", age)], tmp_path)
    (whole,) = files(tmp_path)
    stem, half = whole.stem.rpartition("-")[0], whole.read_bytes()[:100]
    whole.unlink()
    old, new = (tmp_path / f".{stem}.part-{i}{'0' * 15}" for i in (1, 2))
    for part in (old, new):
        part.write_bytes(half)
    past = time.time() - ABANDONED - 60
    os.utime(old, (past, past))
    assert computed(inputs, [("age", age)], tmp_path) == ["age"]
    assert files(tmp_path) == [new, whole], "a run may still be writing the newer one"


# the limit


def _sizes(folder: Path) -> dict[str, int]:
    return {p.name.split("-")[0]: p.stat().st_size for p in folder.glob("*.parquet")}


def test_the_folder_stays_below_its_limit(inputs: Inputs, tmp_path: Path) -> None:
    compute([build("recent", windows=[1])], *inputs, tmp_path)
    limit = 4 * sum(_sizes(tmp_path).values())
    for window in range(2, 12):
        compute([build("recent", windows=[window])], *inputs, tmp_path, limit)
        kept = sum(path.stat().st_size for path in tmp_path.glob("*.parquet"))
        assert 0 < kept <= limit
    assert computed(inputs, [build("recent", windows=[11])], tmp_path) == []
    assert computed(inputs, [build("recent", windows=[2])], tmp_path) == ["recent"]


def test_what_was_used_least_lately_goes_first(inputs: Inputs, tmp_path: Path) -> None:
    names = ["age", "history", "design", "outsiders"]
    for i, name in enumerate(names):
        compute([build(name)], *inputs, tmp_path)
        (path,) = tmp_path.glob(f"{name}-*")
        os.utime(path, (1e9 + i, 1e9 + i))
    sizes = _sizes(tmp_path)
    assert computed(inputs, [build("age")], tmp_path) == []  # a use
    new = build("recent", windows=[5])
    compute([new], *inputs, tmp_path / "elsewhere")
    room = _sizes(tmp_path / "elsewhere")["recent"] + sizes["age"] + sizes["outsiders"]
    compute([new], *inputs, tmp_path, limit=room)
    assert set(_sizes(tmp_path)) == {"recent", "age", "outsiders"}


def test_files_of_others_are_never_deleted(inputs: Inputs, tmp_path: Path) -> None:
    names = ["events.parquet", "a-b-c.parquet", "notes.txt", ".hidden", ".x.part-1"]
    for name in names:
        (tmp_path / name).write_bytes(b"mine")
        os.utime(tmp_path / name, (1e9, 1e9))
    (tmp_path / "folder").mkdir()
    compute(SHIPPED, *inputs, tmp_path, limit=0)
    assert {p.name for p in files(tmp_path)} == {*names, "folder"}


# the commands

SMALL = [*FEW, "refits=2", "tracking=none"]


def account_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return found


CHOSEN = ["age", "recent", "outsiders", "history", "design"]
WORDS = [*SMALL, f"features=[{','.join(CHOSEN)}]"]


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that found nothing in the cache of its home."""
    with redirect_stdout(io.StringIO()) as said:
        out = finished(tmp_path_factory.mktemp("home"), *WORDS, name="cold")
    assert "features: 5 computed, 0 from the cache" in said.getvalue()
    return out


@pytest.fixture
def home(cold: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its home, where commands then work."""
    place = cold.parents[2]
    monkeypatch.setenv("FORECAST_HOME", str(place))
    return place


@pytest.mark.slow
def test_a_second_run_computes_none_and_finds_the_same(
    cold: Path, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warm = tmp_path / "warm"
    assert account_of(cold)["features"] == {"computed": CHOSEN, "cached": []}
    assert run.main([*WORDS, f"out={warm}"]) == 0
    assert "features: 0 computed, 5 from the cache" in capsys.readouterr().out
    assert account_of(warm)["features"] == {"computed": [], "cached": CHOSEN}
    assert len(files(home / "outputs" / ".features")) == 5
    for name in ("predictions.parquet", "metrics.csv", "rejected.csv"):
        assert (cold / name).read_bytes() == (warm / name).read_bytes(), name
    scores = [pl.read_csv(p / "risk_scores.csv").drop("run_id") for p in (cold, warm)]
    assert scores[0].equals(scores[1])

    (tmp_path / "file").write_text("in the way")
    for more, reused in (
        ([], "computed"),
        ([], "cached"),
        (["cache=null"], "computed"),
        ([f"cache={tmp_path / 'file'}"], "computed"),
    ):
        out = tmp_path / f"score-{len(list(tmp_path.iterdir()))}"
        assert score.main([f"model={cold}", f"out={out}", *more]) == 0
        assert account_of(out)["features"][reused] == CHOSEN
        notes = [n for n in account_of(out)["notes"] if "not cached" in n]
        assert len(notes) == ("file" in "".join(more))
        assert all(str(tmp_path / "file") in note for note in notes)


def test_where_frames_are_kept_is_no_part_of_what_a_run_computes() -> None:
    config = {"seed": 1, "leave_out": []}
    assert config_digest(config | {"cache": "/a"}) == config_digest(config)
    assert config_digest(config | {"leave_out": ["age"]}) != config_digest(config)


@pytest.mark.slow
@pytest.mark.usefixtures("home")
def test_runs_leave_out_one_family_after_another(cold: Path, tmp_path: Path) -> None:
    less = tmp_path / "less"
    assert run.main([*WORDS, "leave_out=[outsiders,recent]", f"out={less}"]) == 0
    # the baselines need recent whatever is left out
    found = {"computed": [], "cached": ["age", "history", "design", "recent"]}
    assert account_of(less)["features"] == found
    briers = [
        pl.read_csv(folder / "metrics.csv").filter(pl.col("metric") == "brier")
        for folder in (cold, less)
    ]
    # without outsiders nothing is known of one kind of stratum; quiet or eroding is
    assert set(briers[0]["stratum"]) > set(briers[1]["stratum"])
    assert briers[1]["stratum"].str.starts_with("state: ").any()
    briers = [b.filter(pl.col("stratum") == "all") for b in briers]
    for model, same in (("trail", True), ("ewma", True), ("logit", False)):
        values = [b.filter(pl.col("model") == model)["value"] for b in briers]
        assert values[0].equals(values[1]) == same, model
    # a model that was fitted without a feature is asked without it
    words = [f"model={less}", "cache=null", f"out={tmp_path / 'scores'}"]
    assert score.main(words) == 0
    asked = {"computed": ["age", "history", "design", "recent"], "cached": []}
    assert account_of(tmp_path / "scores")["features"] == asked


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["leave_out=[kinds_of]"], "leave_out=kinds_of: not among those chosen: age, "),
        (["features=[age]", "leave_out=[recent]"], "not among those chosen: age"),
        (["leave_out=recent"], "leave_out=recent: expected names of features"),
        (["leave_out=null"], "leave_out=None: expected names of features"),
        (["leave_out=[3]"], "leave_out=[3]: expected names"),
        (
            ["features=[age]", "leave_out=[age]"],
            "leave_out=[age]: no features are left",
        ),
        (["cache=false"], "cache=False: expected a folder, or null"),
        (["cache=''"], "cache=: expected a folder, or null"),
    ],
)
def test_settings_that_cannot_be_used(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main([*SMALL, *words]) == 1
    assert said in capsys.readouterr().err
