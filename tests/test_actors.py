"""Names of groups: matched where they are sure, left where they are not."""

from datetime import date
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.actors import civilian, resolve
from forecast.events.table import table as events_table
from forecast.link import link
from forecast.raw import InputError
from forecast.schema import Actors, Truces
from forecast.truces.table import table as truces_table

ROOT = Path(__file__).parent.parent
PARTIES = [
    ["Government of Sudan", "SPLM/A"],
    ["Government of Myanmar (Burma)", "KIO"],
    ["Government of Israel", "Hamas"],
    ["Government of Philippines", "Abu Nidal Front of Mindanao"],
]


def truces(parties: list[list[str]], excluded: list[str] | None = None) -> dy.DataFrame:
    rows = [
        {
            "truce_id": f"t{i}",
            "name": f"truce {i}",
            "start": date(2010, 1, 1),
            "start_precision": "day",
            "end_reason": "ongoing",
            "parties": names,
            "excluded": excluded or [],
            "purposes": [],
            "source": "test",
        }
        for i, names in enumerate(parties)
    ]
    frame = Truces.create_empty()
    full = pl.concat([frame, pl.DataFrame(rows)], how="diagonal_relaxed")
    return Truces.validate(full.select(Truces.column_names()), cast=True)


def found(name: str, **settings: object) -> tuple[str | None, str]:
    row = resolve([name], truces(PARTIES, ["Nusra Front"]), **settings)  # type: ignore[arg-type]
    return row["party"][0], row["method"][0]


@pytest.mark.parametrize(
    ("name", "party", "method"),
    [
        ("Hamas", "Hamas", "exact"),
        ("HAMAS ", "Hamas", "exact"),
        ("Terrorist (Hamas)", "Hamas", "alias"),
        ("Sudan People's Liberation Army", "SPLM/A", "alias"),
        ("Jabhat al-Nusra", "Nusra Front", "alias"),
        ("Nusra Front", "Nusra Front", "exact"),
        ("Sudan", "Government of Sudan", "government"),
        ("Military (Myanmar)", "Government of Myanmar (Burma)", "government"),
        ("Military Forces of Israel (1996-2000)", "Government of Israel", "government"),
        ("Abu Nidhal Front of Mindanao", "Abu Nidal Front of Mindanao", "spelling"),
        ("Citizen (Sudan)", None, "none"),
        ("Insurgent (Sudan)", None, "none"),
        ("Military (Chad)", None, "none"),
        ("South Sudan", None, "none"),
        ("Bahamas", None, "none"),
        ("KIA", None, "none"),
        ("Lord's Resistance Army", None, "none"),  # no truce here names it
    ],
)
def test_names(name: str, party: str | None, method: str) -> None:
    assert found(name) == (party, method)


def test_a_stated_likeness_decides() -> None:
    name = "Abu Nidhal Front of Mindanao"
    assert found(name, min_score=99.5) == (None, "none")
    likeness = resolve([name], truces(PARTIES))["score"][0]
    assert 92 <= likeness < 99.5


def test_the_user_has_the_last_word(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("actor,party\nInsurgent (Sudan),SPLM/A\nHamas,\n")
    assert found("Insurgent (Sudan)", corrections=path) == ("SPLM/A", "corrected")
    assert found("Hamas", corrections=path) == (None, "corrected")
    assert found("Sudan", corrections=path)[1] == "government"


def test_a_correction_to_a_party_that_no_truce_has(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("actor,party\nInsurgent (Sudan),SPLMA\n")
    with pytest.raises(InputError, match=r"mine\.csv, row 2: party 'SPLMA'"):
        found("Hamas", corrections=path)


@given(st.lists(st.text(max_size=30), max_size=12))
def test_every_name_is_accounted_for(names: list[str]) -> None:
    frame = resolve(names, truces(PARTIES))
    assert Actors.is_valid(frame)
    assert set(frame["actor"]) == set(names)
    parties = {name for pair in PARTIES for name in pair}
    assert set(frame["party"].drop_nulls()) <= parties
    assert ((frame["method"] == "none") <= frame["party"].is_null()).all()


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Citizen (Sudan)", True),
        ("Civilians (Syria)", True),
        ("Women (South Africa)", True),
        ("Protesters (Egypt)", True),
        ("Armed Rebel (Russia)", False),
        ("Mennonite Brigade", False),
        ("Popular Front", False),
        (None, False),
    ],
)
def test_civilians(name: str | None, is_one: bool) -> None:
    frame = pl.DataFrame({"a": [name]}, schema={"a": pl.String})
    assert frame.select(civilian("a")).item() is is_one


def test_the_founding_case_by_name_alone() -> None:
    """Without its dyad ids, the case links as it was meant to."""
    folder = ROOT / "data" / "syria_2016"
    events = events_table(folder / "events.csv").frame
    records = truces_table(folder / "truces.csv").frame
    bare = events.with_columns(
        pl.lit(None, pl.String).alias("dyad_id"),
        # as another source would write them
        pl.col("actor_a").replace("Nusra Front", "Jabhat al-Nusra"),
    )
    names = pl.concat([bare["actor_a"], bare["actor_b"]]).drop_nulls().unique()
    resolved = resolve(names.to_list(), records)
    for frame, actors in ((events, None), (bare, resolved)):
        relation = dict(
            link(records, type(events)(frame), actors)
            .select("event_id", pl.col("relation").cast(pl.String))
            .iter_rows()
        )
        assert relation["syria-2016-02"] == "outsider"  # Telat al-Eis
        assert relation["syria-2016-04"] == "outsider"  # the warplane
        assert relation["syria-2016-05"] == "party"  # the offensive
        assert relation["syria-2016-06"] == relation["syria-2016-07"] == "party"


def test_names_reach_truces_of_another_country() -> None:
    """A relation file gives no country: the names must do."""
    records = truces(PARTIES)
    events = pl.DataFrame(
        {
            "event_id": ["1", "2", "3"],
            "date": [date(2010, 2, 1)] * 3,
            "kind": ["strike", "talks", "clash"],
            "hostile": [True, False, True],
            "actor_a": ["Military (Israel)", "Israel", "Citizen (Israel)"],
            "actor_b": ["Terrorist (Hamas)", "France", "Police (Israel)"],
            "known_from": [date(2010, 2, 2)] * 3,
            "date_precision": ["day"] * 3,
            "system": ["cameo"] * 3,
            "source": ["test"] * 3,
        }
    )
    from forecast.schema import Events

    full = pl.concat([Events.create_empty(), events], how="diagonal_relaxed")
    frame = Events.validate(full.select(Events.column_names()), cast=True)
    names = pl.concat([frame["actor_a"], frame["actor_b"]]).to_list()
    links = link(records, frame, resolve(names, records))
    assert links.select("event_id", "truce_id", "relation").rows() == [
        ("1", "t2", "party")
    ]
