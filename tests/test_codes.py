"""The maps from coding systems to kinds: complete, consistent, and never silent."""

import gzip
import re

import polars as pl
import pytest

from forecast.kinds import HOSTILE, KINDS, by_label, coded, codes

TABLES = ("acled", "cameo", "plover", "ucdp")

ACLED = {
    "Battles": (
        "Armed clash",
        "Government regains territory",
        "Non-state actor overtakes territory",
    ),
    "Explosions/Remote violence": (
        "Chemical weapon",
        "Air/drone strike",
        "Suicide bomb",
        "Shelling/artillery/missile attack",
        "Remote explosive/landmine/IED",
        "Grenade",
    ),
    "Protests": (
        "Peaceful protest",
        "Protest with intervention",
        "Excessive force against protesters",
    ),
    "Riots": ("Violent demonstration", "Mob violence"),
    "Strategic developments": (
        "Agreement",
        "Arrests",
        "Change to group/activity",
        "Disrupted weapons use",
        "Headquarters or base established",
        "Looting/property destruction",
        "Non-violent transfer of territory",
        "Other",
    ),
    "Violence against civilians": (
        "Sexual violence",
        "Attack",
        "Abduction/forced disappearance",
    ),
}

#: last digit of the three-character codes below each root; the first is always 0
CAMEO_LEAVES = {
    "01": 9,
    "02": 8,
    "03": 9,
    "04": 6,
    "05": 7,
    "06": 4,
    "07": 5,
    "08": 7,
    "09": 4,
    "10": 8,
    "11": 6,
    "12": 9,
    "13": 9,
    "14": 5,
    "15": 4,
    "16": 6,
    "17": 5,
    "18": 6,
    "19": 6,
    "20": 4,
}
#: last digit of the four-character codes below each of these; the first is always 1
CAMEO_DETAILS = (
    {"021": 4, "023": 4, "024": 4, "025": 6}
    | {"031": 4, "033": 4, "034": 4, "035": 6}
    | {"081": 4, "083": 4, "084": 2, "086": 3, "087": 4}
    | {"101": 4, "103": 4, "104": 4, "105": 6, "112": 5}
    | {"121": 4, "122": 4, "123": 4, "124": 6}
    | {"131": 3, "132": 4, "138": 5}
    | {"141": 4, "142": 4, "143": 4, "144": 4, "145": 4}
    | {"162": 3, "166": 3, "171": 2, "172": 4}
    | {"182": 3, "183": 3, "195": 2, "204": 2}
)
#: the last three-character code of these roots, which other digits do not reach
CAMEO_ODD = ("13y",)

PLOVER = {
    "AGREE": "",
    "CONSULT": "visit third-party multilateral phone",
    "SUPPORT": "",
    "CONCEDE": "",
    "COOPERATE": "",
    "AID": "",
    "RETREAT": "withdraw release disarm ceasefire access resign",
    "REQUEST": "assist change yield meet",
    "ACCUSE": "disapprove investigate allege",
    "REJECT": "assist change yield meet",
    "THREATEN": "restrict arrest relations expel territory violence",
    "PROTEST": "demo riot strike hunger boycott obstruct vandalize",
    "SANCTION": "convict expel withdraw discontinue",
    "MOBILIZE": "troops weapons police militia",
    "COERCE": (
        "seize restrict censor curfew martial-law arrest deport withhold "
        "misinformation cyber ban"
    ),
    "ASSAULT": (
        "abduct beat torture sexual targeted destroy primitive firearms explosives "
        "suicide-attack aerial drone heavy-weapons crowd-control unconventional"
    ),
}


def cameo() -> set[str]:
    three = {f"{r}{i}" for r, last in CAMEO_LEAVES.items() for i in range(last + 1)}
    four = {f"{c}{i}" for c, last in CAMEO_DETAILS.items() for i in range(1, last + 1)}
    return set(CAMEO_LEAVES) | three | four | set(CAMEO_ODD)


def plover() -> set[str]:
    pairs = {f"{t}/{mode}" for t, modes in PLOVER.items() for mode in modes.split()}
    return set(PLOVER) | pairs


EXPECTED = {
    "acled": set(ACLED) | {s for group in ACLED.values() for s in group},
    "cameo": cameo(),
    "plover": plover(),
    "ucdp": {"1", "2", "3"},
}


def kind(system: str, code: str) -> str:
    return str(
        codes(system).row(by_predicate=pl.col("code") == code, named=True)["kind"]
    )


@pytest.mark.parametrize("system", TABLES)
def test_every_code_of_a_system_stands_in_its_table(system: str) -> None:
    found = codes(system)["code"].to_list()
    assert len(found) == len(set(found))
    assert set(found) == EXPECTED[system]


def test_sizes_are_those_of_the_codebooks() -> None:
    assert sum(len(group) for group in ACLED.values()) == 25
    assert len(PLOVER) == 16
    assert len(CAMEO_LEAVES) == 20


@pytest.mark.parametrize("system", TABLES)
def test_tables_are_sound(system: str) -> None:
    table = codes(system)
    assert table["code"].dtype == pl.String
    assert table["label"].null_count() == 0
    assert set(table["kind"]) <= set(KINDS)
    # a hostile kind is hostile by what it means, and nothing gentle is
    forced = table.filter(pl.col("kind").is_in(HOSTILE))
    assert forced["hostile"].all()
    gentle = table.filter(pl.col("kind").is_in(["talks", "deal", "relief"]))
    assert not gentle["hostile"].any()


def test_no_cameo_code_lost_a_zero() -> None:
    codes_ = codes("cameo")["code"]
    assert codes_.str.contains(r"^(0[1-9]|1\d|20)[0-9y]?\d?$").all()


def test_every_kind_is_used() -> None:
    used = {k for system in TABLES for k in codes(system)["kind"]}
    assert used == set(KINDS)


def test_the_signal_survives() -> None:
    assert kind("cameo", "196") == "violation"
    assert kind("cameo", "0871") == "deal"
    violations = codes("cameo").filter(kind="violation")["code"].to_list()
    assert violations == ["196"]
    # PLOVER cannot tell it from an assault: why the raw code stays
    row = codes("cameo").row(by_predicate=pl.col("code") == "196", named=True)
    assert row["plover"] == "ASSAULT"
    assert kind("plover", "ASSAULT") != "violation"


@pytest.mark.parametrize(
    ("system", "same", "expected"),
    [
        ("cameo", "183 1831 1832 1833 194 195 1951 1952", "strike"),
        ("cameo", "190 193", "clash"),
        ("cameo", "192", "offensive"),
        ("cameo", "180 181 182 185 186 202", "abuse"),
        ("cameo", "130 134 138 1384 139 13y 150 154 1123", "threat"),
        ("cameo", "125 126 127 164 165 1661 1662 1663", "rupture"),
        ("cameo", "036 040 045 046", "talks"),
        ("cameo", "0841 0861 0863 0872 0873 0874", "relief"),
        ("cameo", "191 145 173", "other"),
        ("plover", "ASSAULT/aerial ASSAULT/drone ASSAULT/heavy-weapons", "strike"),
        ("plover", "RETREAT/withdraw RETREAT/release RETREAT/access", "relief"),
        ("plover", "CONSULT CONSULT/phone REQUEST/meet", "talks"),
    ],
)
def test_codes_that_decide(system: str, same: str, expected: str) -> None:
    assert {kind(system, code) for code in same.split()} == {expected}


#: what the codes below a CAMEO root can do to a truce, the root itself included
KINDS_OF_ROOT = {
    "01 06 09 14": {"other"},
    "02 10": {"other", "talks"},
    "03": {"deal", "other", "talks"},
    "04": {"talks"},
    "05": {"other", "deal"},
    "07": {"other", "relief"},
    "08": {"relief", "deal", "other"},
    "11": {"other", "threat"},
    "12": {"other", "rupture", "threat"},
    "13 15": {"threat"},
    "16": {"rupture", "other"},
    "17": {"other", "abuse"},
    "18 20": {"abuse", "strike"},
    "19": {"clash", "other", "offensive", "strike", "violation"},
}


def test_kinds_below_a_cameo_root() -> None:
    allowed = {r: kinds for rs, kinds in KINDS_OF_ROOT.items() for r in rs.split()}
    table = codes("cameo").with_columns(root=pl.col("code").str.slice(0, 2))
    found = {r: set(g["kind"]) for (r,), g in table.group_by("root")}
    assert found == allowed


def test_plover_modes_do_not_contradict_cameo() -> None:
    """The one mode that the map of CAMEO to PLOVER names has the kind of its code."""
    pairs = codes("cameo").filter(pl.col("plover").str.contains("/"))
    assert pairs.select("code", "plover").rows() == [("0871", "RETREAT/ceasefire")]
    assert kind("plover", "RETREAT/ceasefire") == kind("cameo", "0871")


def test_scale_of_cameo_is_that_of_its_plover_type() -> None:
    table = codes("cameo").join(
        codes("plover").select("scale", plover="code"),
        on="plover",
        how="left",
        suffix="_of_type",
    )
    assert table["scale"].eq_missing(table["scale_of_type"]).all()
    dropped = table.filter(pl.col("scale").is_null())["code"].str.slice(0, 2)
    assert sorted(dropped.unique()) == ["01", "02"]
    assert codes("plover")["scale"].is_between(-10, 10).all()


@pytest.mark.parametrize(
    ("code", "score"),
    [
        ("CONSULT/third-party", 1.0),
        ("RETREAT/ceasefire", 7.5),
        ("REQUEST/assist", 0.5),
        ("ACCUSE", -3.0),
        ("THREATEN/territory", -4.0),
        ("SANCTION/expel", -5.5),
        ("COERCE/martial-law", -7.5),
        ("ASSAULT/primitive", -8.0),
        ("ASSAULT/unconventional", -10.0),
    ],
)
def test_scores_are_those_of_the_manual(code: str, score: float) -> None:
    table = codes("plover")
    assert table.row(by_predicate=pl.col("code") == code, named=True)["scale"] == score


def test_kinds_agree_across_systems_with_the_road_through_plover() -> None:
    """What a CAMEO root and its PLOVER type say differs only where a note says why."""
    table = codes("cameo").filter(pl.col("plover").is_not_null())
    of_type = codes("plover").select(plover="code", by_type="kind")
    differ = table.join(of_type, on="plover").filter(
        pl.col("kind") != pl.col("by_type")
    )
    assert differ.height > 50
    assert differ.filter(pl.col("note").is_null())["code"].to_list() == []


@pytest.mark.parametrize(
    ("system", "code", "root", "used", "expected"),
    [
        ("cameo", "1999", None, "19", "clash"),
        ("cameo", "1969", None, "196", "violation"),
        ("cameo", "13z", None, "13", "threat"),
        ("cameo", "138i", None, "138", "threat"),
        ("cameo", "---", None, None, "other"),
        ("cameo", "1", None, None, "other"),
        ("cameo", "40", None, None, "other"),
        ("plover", "ASSAULT/arrows", None, "ASSAULT", "clash"),
        ("plover", "DANCE/waltz", None, None, "other"),
        ("acled", "Cavalry charge", "Battles", "Battles", "clash"),
        ("acled", "Cavalry charge", "Chess", None, "other"),
        ("acled", "Cavalry charge", None, None, "other"),
        ("ucdp", "4", None, None, "other"),
    ],
)
def test_fallback_is_counted_and_never_silent(
    system: str, code: str, root: str | None, used: str | None, expected: str
) -> None:
    frame = pl.DataFrame({"code": [code] * 3}).with_columns(
        root=pl.lit(root, pl.String)
    )
    made, unmapped = coded(frame, system)
    assert made["kind"].to_list() == [expected] * 3
    assert made["hostile"].to_list() == [expected in HOSTILE] * 3
    assert unmapped.rows() == [(system, code, used, 3)]


@pytest.mark.parametrize("system", TABLES)
def test_known_codes_need_no_fallback_and_rows_keep_their_order(system: str) -> None:
    frame = codes(system).select("code").sample(fraction=1, shuffle=True, seed=3)
    frame = frame.with_row_index("at")
    made, unmapped = coded(frame, system)
    assert unmapped.is_empty()
    assert made.select("at", "code").equals(frame)
    assert [kind(system, c) for c in made["code"]] == made["kind"].to_list()


def test_rows_without_a_code_are_counted() -> None:
    made, unmapped = coded(pl.DataFrame({"code": [None, "196", ""]}), "cameo")
    assert made["kind"].to_list() == ["other", "violation", "other"]
    assert unmapped.rows() == [("cameo", "", None, 2)]


@pytest.mark.parametrize("call", [lambda s: codes(s), lambda s: by_label(TEXT, s)])
def test_an_unknown_system_is_an_error_that_lists_the_systems(call) -> None:
    with pytest.raises(ValueError, match="'weis'; there are: acled, cameo, plover"):
        call("weis")


def test_an_unknown_system_has_no_kinds() -> None:
    with pytest.raises(ValueError, match="cameo"):
        coded(pl.DataFrame({"code": ["1"]}), "weis")


TEXT = pl.Series(["Consult"])


@pytest.mark.parametrize("column", ["label", "label_icews"])
def test_every_label_leads_back_to_its_code(column: str) -> None:
    """But for a root that shares the label of its general leaf."""
    table = codes("cameo")
    back = by_label(table[column], "cameo")
    general = table["code"] + "0"
    assert ((back == table["code"]) | (back == general)).all()


def test_spelling_of_a_label_makes_no_difference() -> None:
    ways = ["Decline_to_yield", "REFUSE TO YIELD", " Refuse  to_yield ", "Yield"]
    found = by_label(pl.Series(ways), "cameo").to_list()
    assert found == ["124", "124", "124", "080"]


@pytest.mark.parametrize(
    ("name", "separator", "column"),
    [
        ("events.2018.sample.tab.gz", "\t", "Event Text"),
        ("icews_2005_2011_sample.csv.gz", ",", "relation"),
        ("icews_2014_global.csv.gz", ",", "relation"),
    ],
)
def test_every_label_in_the_icews_files_has_a_code(
    shared, name: str, separator: str, column: str
) -> None:
    data = gzip.decompress((shared / "data/icews" / name).read_bytes())
    table = pl.read_csv(data, separator=separator, infer_schema=False)
    labels = table[column].unique()
    assert len(labels) > 100
    known = set(codes("cameo")["code"])
    assert [c for c in by_label(labels, "cameo") if c not in known] == []
    if "CAMEO Code" in table.columns:
        assert by_label(table[column], "cameo").equals(table["CAMEO Code"])


def test_labels_in_the_files_are_in_the_table_letter_by_letter(shared) -> None:
    """Not by luck of case: the column holds the spelling of the files."""
    path = shared / "data/icews/icews_2005_2011_sample.csv.gz"
    table = pl.read_csv(gzip.decompress(path.read_bytes()), infer_schema=False)
    assert set(table["relation"]) <= set(codes("cameo")["label_icews"])


def test_notes_are_plain_text() -> None:
    for system in TABLES:
        for note in codes(system)["note"].drop_nulls():
            assert re.fullmatch(r"[\x20-\x7e]+", note)
