"""ACLED: exports and answers, and what was known when of rows that were rewritten."""

import csv
import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.events.acled import acled
from forecast.kinds import codes
from forecast.raw import InputError

TODAY = {
    "event_id_cnty": "NOR1",
    "event_date": "2020-03-04",
    "year": "2020",
    "time_precision": "1",
    "disorder_type": "Political violence",
    "event_type": "Battles",
    "sub_event_type": "Armed clash",
    "actor1": "NLF: Northland Liberation Front",
    "assoc_actor_1": "",
    "inter1": "Rebel group",
    "actor2": "Military Forces of Northland",
    "assoc_actor_2": "",
    "inter2": "State forces",
    "interaction": "State forces-Rebel group",
    "civilian_targeting": "",
    "iso": "999",
    "region": "North",
    "country": "Northland",
    "admin1": "Upper",
    "admin2": "",
    "admin3": "",
    "location": "Riverton",
    "latitude": "10.5",
    "longitude": "-20.25",
    "geo_precision": "2",
    "source": "River Gazette",
    "source_scale": "National",
    "notes": "A clash, with shots.",
    "fatalities": "3",
    "tags": "",
    "timestamp": "",
}
#: before March 2023: other ids beside the stable one, numbers for types of actors
BEFORE = (
    {"data_id": "77", "event_id_no_cnty": "1", "iso3": "NOR"}
    | {k: v for k, v in TODAY.items() if k not in ("disorder_type", "tags")}
    | {"inter1": "2", "inter2": "1", "interaction": "12"}
)


def at(day: str, hour: int = 12) -> str:
    """Unix seconds of an hour of a day, UTC."""
    moment = datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)
    return str(int(moment.timestamp()))


def write(path: Path, *rows: dict[str, str], base: dict[str, str] = TODAY) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, base)
        writer.writeheader()
        writer.writerows(base | row for row in rows)
    return path


def load(path: Path, *rows: dict[str, str], **settings):
    return acled(write(path / "a.csv", *rows), **settings)


def accounts(loaded) -> bool:
    told = loaded.accepted + loaded.rejected.height + loaded.left_out["n"].sum()
    return bool(loaded.read == told and loaded.accepted == loaded.frame.height)


def test_a_row_of_today(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"timestamp": at("2020-03-10")})
    event = loaded.frame.row(0, named=True)
    expected = {
        "event_id": "NOR1",
        "date": date(2020, 3, 4),
        "date_precision": "day",
        "known_from": date(2020, 3, 11),
        "known_until": None,
        "kind": "clash",
        "code": "Armed clash",
        "system": "acled",
        "hostile": True,
        "actor_a": TODAY["actor1"],
        "actor_b": TODAY["actor2"],
        "country": "Northland",
        "deaths": 3,
        "deaths_low": None,
        "latitude": 10.5,
        "longitude": -20.25,
        "note": TODAY["notes"],
        "conflict_id": None,
        "dyad_id": None,
    }
    assert {name: event[name] for name in expected} == expected
    assert accounts(loaded)
    assert loaded.covered_through == date(2020, 3, 4)
    assert loaded.unmapped.is_empty()


def test_every_format_reads_the_same(tmp_path: Path) -> None:
    written = at("2020-03-10")
    today = load(tmp_path, {"timestamp": written}).frame
    row = TODAY | {"timestamp": written}
    before = write(tmp_path / "b.csv", {"timestamp": written}, base=BEFORE)
    longhand = {"timestamp": written, "event_date": "04 March 2020"}
    export = write(tmp_path / "c.csv", longhand, base=BEFORE)
    numbers = row | {
        "timestamp": int(written),
        "fatalities": 3,
        "latitude": 10.5,
        "actor2": row["actor2"],
        "tags": None,
    }
    answer = tmp_path / "d.json"
    answer.write_text(json.dumps({"success": True, "count": 1, "data": [numbers]}))
    bare = tmp_path / "e.json.gz"
    bare.write_bytes(gzip.compress(json.dumps([row]).encode()))
    for path in (before, export, answer, bare):
        assert acled(path).frame.equals(today), path.name


def test_every_sub_event_type_has_its_own_kind(tmp_path: Path) -> None:
    table = codes("acled").filter(pl.col("root").is_not_null())
    assert table.height == 25
    rows = [
        {"event_id_cnty": f"N{i}", "sub_event_type": code, "event_type": root}
        for i, (code, root) in enumerate(table.select("code", "root").rows())
    ]
    loaded = load(tmp_path, *rows)
    assert loaded.unmapped.is_empty()
    kinds = dict(loaded.frame.select("code", "kind").rows())
    assert kinds == dict(table.select("code", "kind").rows())
    # not systematically coded, and kept all the same
    assert kinds["Agreement"] == "deal"


def test_an_unknown_sub_event_type_counts_as_its_event_type(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        {"sub_event_type": "Cavalry charge"},
        {"event_id_cnty": "NOR2", "sub_event_type": ""},
        {"event_id_cnty": "NOR3", "sub_event_type": "X", "event_type": "Y"},
    )
    assert loaded.frame["kind"].to_list() == ["clash", "clash", "other"]
    assert loaded.frame["code"].to_list() == ["Cavalry charge", None, "X"]
    assert loaded.unmapped.select("source", "code", "used", "n").rows() == [
        ("acled", "", "Battles", 1),
        ("acled", "Cavalry charge", "Battles", 1),
        ("acled", "X", None, 1),
    ]


@pytest.mark.parametrize(
    ("given_", "expected"), [("1", "day"), ("2", "week"), ("3", "month"), ("", "day")]
)
def test_time_precision(tmp_path: Path, given_: str, expected: str) -> None:
    frame = load(tmp_path, {"time_precision": given_}).frame
    assert frame["date_precision"].to_list() == [expected]


def known(loaded) -> list[tuple[int, date, date | None]]:
    return loaded.frame.select("deaths", "known_from", "known_until").rows()


def test_versions_follow_one_another_without_gap_or_overlap(tmp_path: Path) -> None:
    first = write(
        tmp_path / "1.csv", {"timestamp": at("2020-03-10"), "fatalities": "3"}
    )
    second = write(
        tmp_path / "2.csv", {"timestamp": at("2021-01-01", 23), "fatalities": "9"}
    )
    for order in ([first, second], [second, first], [second, first, second]):
        loaded = acled(order)
        assert known(loaded) == [
            (3, date(2020, 3, 11), date(2021, 1, 2)),
            (9, date(2021, 1, 2), None),
        ]
        assert accounts(loaded)
        repeated = loaded.left_out.select("reason", "n").rows()
        assert repeated == [("version also in another file", 1)] * (len(order) - 2)


def test_the_last_version_of_a_day_is_the_one_of_the_morning(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        {"timestamp": at("2020-03-10", 8), "fatalities": "1"},
        {"timestamp": at("2020-03-10", 20), "fatalities": "2"},
    )
    assert known(loaded) == [(2, date(2020, 3, 11), None)]
    assert loaded.left_out["n"].to_list() == [1]
    assert accounts(loaded)


def test_a_version_without_a_timestamp_is_the_oldest(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        {"timestamp": at("2020-05-10"), "fatalities": "2"},
        {"timestamp": "", "fatalities": "1"},
    )
    assert known(loaded) == [
        (1, date(2020, 3, 5), date(2020, 5, 11)),
        (2, date(2020, 5, 11), None),
    ]


def test_a_deleted_event_is_gone_the_morning_after(tmp_path: Path) -> None:
    rows = (
        {"timestamp": at("2020-03-10"), "fatalities": "1"},
        {"timestamp": at("2020-04-10"), "fatalities": "2"},
        {"event_id_cnty": "NOR2", "timestamp": at("2020-03-10")},
    )
    deletions = tmp_path / "deleted.csv"
    deletions.write_text(
        "event_id_cnty,deleted_timestamp\n"
        f"NOR1,{at('2020-05-01')}\nNOR9,{at('2020-05-01')}\nNOR1,never\n"
    )
    loaded = load(tmp_path, *rows, deletions=deletions)
    assert known(loaded) == [
        (1, date(2020, 3, 11), date(2020, 4, 11)),
        (2, date(2020, 4, 11), date(2020, 5, 2)),
        (3, date(2020, 3, 11), None),
    ]
    assert accounts(loaded)
    assert loaded.read == 6
    assert loaded.rejected.select("file", "line", "column", "value").rows() == [
        (str(deletions), 4, "deleted_timestamp", "never")
    ]
    assert len(loaded.files) == 2
    last = load(tmp_path, *rows, deletions=deletions, revisions=False)
    assert known(last) == [(3, date(2020, 3, 5), None)]
    assert accounts(last)


def test_an_event_that_came_back_after_its_deletion(tmp_path: Path) -> None:
    deletions = tmp_path / "deleted.csv"
    deletions.write_text(f"event_id_cnty,deleted_timestamp\nNOR1,{at('2020-05-01')}\n")
    loaded = load(
        tmp_path,
        {"timestamp": at("2020-03-10"), "fatalities": "1"},
        {"timestamp": at("2020-06-10"), "fatalities": "2"},
        deletions=deletions,
    )
    assert known(loaded) == [
        (1, date(2020, 3, 11), date(2020, 5, 2)),
        (2, date(2020, 6, 11), None),
    ]


def test_without_revisions_the_last_version_stands_from_the_start(
    tmp_path: Path,
) -> None:
    loaded = load(
        tmp_path,
        {"timestamp": at("2020-03-10"), "fatalities": "1"},
        {"timestamp": at("2021-03-10"), "fatalities": "2"},
        revisions=False,
    )
    assert known(loaded) == [(2, date(2020, 3, 5), None)]
    assert accounts(loaded)


def test_never_known_before_the_day_is_over(tmp_path: Path) -> None:
    early = load(tmp_path, {"timestamp": at("2020-03-01")})
    assert early.frame["known_from"].to_list() == [date(2020, 3, 5)]
    assert load(tmp_path, {}).frame["known_from"].to_list() == [date(2020, 3, 5)]


VERSIONS = st.lists(
    st.tuples(
        st.sampled_from(["A", "B"]),
        st.integers(0, 40),  # day of the event
        st.integers(0, 60 * 24),  # hour it was written
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda v: (v[0], v[2]),
)
DELETIONS = st.lists(
    st.tuples(st.sampled_from(["A", "B"]), st.integers(0, 60 * 24)), max_size=3
)


def _morning(hour: int) -> int:
    return hour // 24 + 1


@settings(max_examples=60, deadline=None)
@given(versions=VERSIONS, deletions=DELETIONS)
def test_each_morning_sees_the_newest_version(
    tmp_path_factory: pytest.TempPathFactory,
    versions: list[tuple[str, int, int]],
    deletions: list[tuple[str, int]],
) -> None:
    """The oracle asks, morning by morning, what had been written last by then."""
    folder = tmp_path_factory.mktemp("acled")
    zero = 18262 * 86400  # 2020-01-01
    rows = [
        {
            "event_id_cnty": event,
            "event_date": str(date.fromordinal(date(2020, 1, 1).toordinal() + day)),
            "timestamp": str(zero + hour * 3600),
            "fatalities": str(number),
        }
        for number, (event, day, hour) in enumerate(versions)
    ]
    path = folder / "deleted.csv"
    path.write_text(
        "event_id_cnty,deleted_timestamp\nC,1\n"
        + "".join(f"{e},{zero + h * 3600}\n" for e, h in deletions)
    )
    loaded = load(folder, *rows, deletions=path)
    assert accounts(loaded)
    start = date(2020, 1, 1).toordinal()
    for morning in range(0, 64):
        day = date.fromordinal(start + morning)
        seen = loaded.frame.filter(
            (pl.col("known_from") <= day)
            & (pl.col("known_until").is_null() | (pl.col("known_until") > day))
        )
        expected = {}
        for event in ("A", "B"):
            # written, and the day over; a deletion beats what was written in its hour
            told = [
                (hour, 0, number)
                for number, (name, when, hour) in enumerate(versions)
                if name == event and max(_morning(hour), when + 1) <= morning
            ] + [
                (hour, 1, None)
                for name, hour in deletions
                if name == event and _morning(hour) <= morning
            ]
            if told and max(told)[2] is not None:
                expected[event] = max(told)[2]
        assert dict(seen.select("event_id", "deaths").rows()) == expected


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("event_date", "04/03/2020"),
        ("event_date", "2020-02-30"),
        ("event_date", "31 April 2020"),
        ("event_date", "4 Mars 2020"),
        ("event_date", ""),
        ("event_id_cnty", ""),
        ("time_precision", "4"),
        ("inter1", "9"),
        ("inter2", "12.5"),
        ("fatalities", "-1"),
        ("fatalities", "many"),
        ("fatalities", ""),
        ("latitude", "912"),
        ("timestamp", "2020-03-10"),
        ("timestamp", at("2020-03-10") + "000"),
        ("actor1", " "),
    ],
)
def test_bad_cell_is_named(tmp_path: Path, column: str, value: str) -> None:
    good = {"notes": "two\nlines"}
    loaded = load(tmp_path, good, {"event_id_cnty": "NOR2"} | {column: value})
    assert accounts(loaded)
    assert loaded.frame["event_id"].to_list() == ["NOR1"]
    found = loaded.rejected.select("file", "line", "column", "value").row(0)
    assert found == (str(tmp_path / "a.csv"), 4, column, value or None)


def test_second_row_of_a_version_is_refused(tmp_path: Path) -> None:
    loaded = load(tmp_path, {}, {"fatalities": "9"})
    assert accounts(loaded)
    assert known(loaded) == [(3, date(2020, 3, 5), None)]
    assert loaded.rejected["line"].to_list() == [3]


def test_bad_record_of_an_answer_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    broken = TODAY | {"event_id_cnty": "NOR2", "notes": "\ud800"}
    path.write_text(
        json.dumps({"data": [TODAY, 7, broken, TODAY | {"fatalities": {"best": 1}}]})
    )
    loaded = acled(path)
    assert accounts(loaded)
    assert loaded.rejected.select("line", "column", "value").rows() == [
        (2, "", "7"),
        (3, "", loaded.rejected["value"][1]),
        (4, "fatalities", '{"best": 1}'),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[" + "9" * 10_000 + "]", "no JSON"),
        ("{}", "no list of records"),
        ('{"data": "none"}', "no list of records"),
        ('{"success": false, "error": "no access"}', "failed request"),
        ("[]", "empty list"),
        ('{"data": []}', "empty list"),
        ("[1, 2]", "none of its 2 rows"),
        ('[{"event_id_cnty": 1}]', "no column 'event_date'"),
        ("\ufeff<html></html>", "no JSON"),
    ],
)
def test_what_is_no_answer_is_said_so(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "a.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        acled(path)


def test_missing_column_is_named(tmp_path: Path) -> None:
    base = {k: v for k, v in TODAY.items() if k != "fatalities"}
    path = write(tmp_path / "a.csv", {}, base=base)
    with pytest.raises(InputError, match="no column 'fatalities'"):
        acled(path)
