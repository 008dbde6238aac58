"""A small valid example of every file format that a source reads.

Written by hand to the documented formats: places and groups are made up. In each, the
second row holds letters outside ASCII, and the third is the one that tests damage.
"""

# ruff: noqa: E501 - a row of an example stays on its line

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from forecast.events import acled, gdelt, ged, icews, icews_relations, polecat
from forecast.events import table as events_table
from forecast.schema import Loaded
from forecast.truces import ethprio, pax, ucdp_agreements
from forecast.truces import table as truces_table

Row = dict[str, str]
ISO = {"2016-02-03": date(2016, 2, 3), "2016-02-03 00:00:00": date(2016, 2, 3)}
#: the lists of columns of the publishers
ACLED = (
    "event_id_cnty event_date year time_precision disorder_type event_type "
    "sub_event_type actor1 assoc_actor_1 inter1 actor2 assoc_actor_2 inter2 "
    "interaction civilian_targeting iso region country admin1 admin2 admin3 location "
    "latitude longitude geo_precision source source_scale notes fatalities tags "
    "timestamp"
)
GED = (
    "id year type_of_violence conflict_new_id conflict_name dyad_new_id dyad_name "
    "side_a side_b latitude longitude country date_start best high low"
)
GED_FULL = (
    "id year active_year code_status type_of_violence conflict_new_id conflict_name "
    "dyad_new_id dyad_name side_a side_b number_of_sources source_article date_prec "
    "latitude longitude country region event_clarity date_start date_end deaths_a "
    "deaths_b deaths_civilians deaths_unknown best high low"
)
ICEWS = (
    "Event ID|Event Date|Source Name|Source Sectors|Source Country|Event Text|"
    "CAMEO Code|Intensity|Target Name|Target Sectors|Target Country|Story ID|"
    "Sentence Number|Publisher|City|District|Province|Country|Latitude|Longitude"
)
POLECAT = (
    "Event ID|Event Date|Event Type|Event Mode|Intensity|Quad Code|Contexts|"
    "Actor Name|Actor COW|Actor Country|Recipient Name|Recipient Country|Country|"
    "Latitude|Longitude|Publication Date|Source|Headline"
)
UCDP_AGREEMENTS = (
    "paid,region,gwno,conflict_id,conflict_name,dyad_id,dyad_name,pa_name,year,"
    "pa_date,pa_3rd,c_3rd,ended,duration,cease,ddr,pol_prov,ref ,terr_prov,pko,"
    "co_impl,"
)
PAX_NEW = "Con Contp PP Reg AgtId Agt Dat Status Agtp Stage StageSub Part ThrdPart"
PAX_NEW += " OthAgr UcdpCon UcdpAgr"


@dataclass(frozen=True)
class Format:
    """How a file is laid out, what its loader reads, and where that goes."""

    kind: str
    source: Callable[..., Loaded[Any]]
    file: str
    rows: tuple[Row, ...]
    required: Sequence[str]
    optional: Sequence[str]
    #: columns of the file whose cells stand in a column of the frame as they are
    texts: Mapping[str, str]
    numbers: Mapping[str, str] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)
    #: text of days that the format has, and what it says; all else is refused
    styles: Mapping[str, date] = field(default_factory=lambda: ISO)
    separator: str = ","
    quote: bool = True
    headed: bool = True
    #: a second line that is no data
    second: Row | None = None
    #: whether unknown columns are refused
    closed: bool = False

    @property
    def columns(self) -> list[str]:
        return list(self.rows[0])

    @property
    def packed(self) -> bool:
        return self.file.endswith(".gz")

    @property
    def shape(self) -> str:
        """How a table becomes bytes: text, json or parquet."""
        found = {".json": "json", ".parquet": "parquet"}
        return found.get(Path(self.file).suffix, "text")

    def encode(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
        """Bytes of a table, not packed yet."""
        if self.shape == "json":
            records = [dict(zip(columns, row, strict=True)) for row in rows]
            answer = {"status": 200, "success": True, "count": len(rows)}
            return json.dumps(answer | {"data": records}, indent=0).encode()
        if self.shape == "parquet":
            cells = {c: [r[i] or None for r in rows] for i, c in enumerate(columns)}
            buffer = io.BytesIO()
            schema = dict.fromkeys(columns, pl.String)
            pl.DataFrame(cells, schema=schema).write_parquet(buffer)
            return buffer.getvalue()
        lines = [list(columns)] if self.headed else []
        lines += [[self.second.get(c, "") for c in columns]] if self.second else []
        return self._lines([*lines, *rows])

    def _lines(self, lines: Sequence[Sequence[str]]) -> bytes:
        if not self.quote:
            return "".join(self.separator.join(x) + "\n" for x in lines).encode()
        content = io.StringIO(newline="")
        writer = csv.writer(content, delimiter=self.separator, lineterminator="\n")
        writer.writerows(lines)
        return content.getvalue().encode()

    @property
    def data(self) -> bytes:
        """Bytes of the example, not packed yet."""
        return self.encode(self.columns, [list(row.values()) for row in self.rows])

    def write(self, folder: Path) -> Path:
        """Lay the example down as its publisher does."""
        path = folder / self.file
        path.write_bytes(
            gzip.compress(self.data, mtime=0) if self.packed else self.data
        )
        return path


def _rows(columns: Sequence[str], text: str, **same: str) -> tuple[Row, ...]:
    """Rows from a table with ``|`` between its cells; all else is ``same`` or empty."""
    names, *lines = [line.split("|") for line in text.strip().splitlines()]
    assert set(names) <= set(columns), sorted(set(names) - set(columns))
    base = dict.fromkeys(columns, "") | same
    return tuple(base | dict(zip(names, line, strict=True)) for line in lines)


_GED = """
id|year|conflict_new_id|dyad_new_id|side_a|side_b|latitude|longitude|date_start|best|low|high
101|2016|401|901|Government of Norland|NLF|10.5|100.25|2016-01-30|3|2|5
102|2016|401|901|Government of Norland|Frères de l'Été|10.75|100.5|2016-02-01|0|0|4
103|2016|401|902|Government of Norland|Hill Army|-11|-120.5|2016-02-03|12|12|12
104|2016||903|River Clan|"Lake, and Shore" Clan|11.5|121|2016-02-29|1|1|1
105.0|2016|402.0|904.0|NLF|Civilians|0|0|2016-03-01|7|5|9
106|2016|402|904|NLF|Civilians|12.125|101|2016-12-31|2|0|3
"""
_GED_SAME = {"type_of_violence": "1", "country": "Norland"}
_FULL_SAME = {"date_prec": "1", "event_clarity": "1", "code_status": "Clear"}
_GED_ROWS = _rows(GED_FULL.split(), _GED, **_GED_SAME, **_FULL_SAME)
_GED_FULL = tuple(
    row | {"date_end": row["date_start"], "source_article": "Gazette, 2016"}
    for row in _GED_ROWS
)
_HASHTAGS = {"id": "", "date_start": "#date+start", "date_end": "#date+end"}
_GED_FRAME: dict[str, Mapping[str, str]] = {
    "texts": {"side_a": "actor_a", "side_b": "actor_b", "country": "country"},
    "numbers": {
        **{"best": "deaths", "low": "deaths_low", "high": "deaths_high"},
        **{"latitude": "latitude", "longitude": "longitude"},
    },
}

_ACLED = """
event_id_cnty|event_date|event_type|sub_event_type|actor1|actor2|notes|fatalities|timestamp
NOR1|2016-01-30|Battles|Armed clash|NLF|Military of Norland|A clash.|3|1454400000
NOR2|2016-02-01|Battles|Armed clash|NLF|Frères de l'Été|Près du lac, "rien".|0|1454500000
NOR3|2016-02-03|Explosions/Remote violence|Air/drone strike|Military of Norland|NLF|A raid.|12|1454600000
NOR4|2016-02-29|Strategic developments|Agreement|NLF|Hill Army|A pact; signed.|0|
NOR5|2016-03-01|Protests|Peaceful protest|Protesters (Norland)||A march.|0|1457000000
NOR6|2016-12-31|Battles|Armed clash|Hill Army|NLF|Shots.|1|1483300000
"""
_ACLED_SAME = {
    **{"time_precision": "1", "inter1": "Rebel group", "inter2": "State forces"},
    **{"country": "Norland", "latitude": "10.5", "longitude": "100.25", "iso": "999"},
    **{"geo_precision": "1", "location": "Riverton", "year": "2016"},
}
_ACLED_STYLES = {
    day: date(2016, 2, 3)
    for day in ("2016-02-03", "3 February 2016", "03 Feb 2016", "03-Feb-2016")
}
_ACLED_FRAME: dict[str, Any] = {
    "kind": "events",
    "source": acled.acled,
    "rows": _rows(ACLED.split(), _ACLED, **_ACLED_SAME),
    "required": acled.REQUIRED,
    "optional": acled.OPTIONAL,
    "texts": {
        **{"actor1": "actor_a", "actor2": "actor_b", "country": "country"},
        **{"notes": "note", "sub_event_type": "code"},
    },
    "numbers": {
        **{"fatalities": "deaths", "latitude": "latitude"},
        **{"longitude": "longitude"},
    },
    "dates": {"event_date": "date"},
    "styles": _ACLED_STYLES,
}

_ICEWS = """
Event ID|Event Date|Source Name|Event Text|CAMEO Code|Intensity|Target Name
7001|2016-01-30|Military (Norland)|Violate ceasefire|196|-9.5|NLF
7002|2016-02-01|Ministère de l'Été|Consult|040|1|NLF
7003|2016-02-03|NLF|Make statement|010|0|Citizen (Norland)
7004|2016-02-29|NLF "Lions"|Declare truce, ceasefire|0871|9|Military (Norland)
7005|2016-03-01|Hill Army|Demand|100|-5|Government (Norland)
7006|2016-12-31|Government (Norland)|Threaten with military force|138|-7|NLF
"""
_ICEWS_SAME = {
    **{"Country": "Norland", "Source Country": "Norland", "Target Country": "NA"},
    **{"Latitude": "10.5", "Longitude": "100.25", "District": "NA"},
}
_RELATIONS = """
event_date|source|relation|target
2016-01-30|Military (Norland)|Violate ceasefire|NLF
2016-02-01|Ministère de l'Été|Consult|NLF
2016-02-03|NLF|Make statement|Citizen (Norland)
2016-02-29|NLF|Declare truce, ceasefire|Military (Norland)
2016-03-01|Hill Army|Demand|Government (Norland)
2016-12-31|Government (Norland)|Threaten with military force|NLF
"""

_GDELT = """
GLOBALEVENTID|SQLDATE|EventCode|EventRootCode|Actor1Name|Actor2Name|DATEADDED
410000001|20160130|196|19|NORLAND MILITARY|NLF|20160130120000
410000002|20160201|040|04|ÉTÉ|NLF|20160202120000
410000003|20160203|190|19|NLF|NORLAND|20160203120000
410000004|20160229|0871|08|THE "LIONS"|NLF|20160229234500
410000005|20160301|100|10|HILL ARMY||20160301000000
410000006|20151231|138|13|NORLAND|NLF|20161231234500
"""
_GDELT_SAME = {
    **{"Actor1CountryCode": "NOR", "GoldsteinScale": "-9.5", "NumMentions": "6"},
    **{"ActionGeo_FullName": "Riverton, Upper, Norland", "ActionGeo_Lat": "10.5"},
    **{"ActionGeo_Long": "100.25", "SOURCEURL": "https://example.org/a"},
}

_POLECAT = """
Event ID|Event Date|Event Type|Event Mode|Actor Name|Recipient Name|Publication Date
20160130-1-a|2016-01-30|ASSAULT|aerial|Military of Norland|NLF|2016-01-31
20160201-1-b|2016-02-01|CONSULT|visit|Frères de l'Été|NLF|2016-02-02
20160203-1-c|2016-02-03|RETREAT|ceasefire|NLF|Hill Army|2016-02-03
20160229-1-d|2016-02-29|PROTEST|demo|The "Lions"|None|2016-03-01
20160301-1-e|2016-03-01|THREATEN||Hill Army|NLF|2016-03-09
20161231-1-f|2016-12-31|ASSAULT|firearms|NLF|Hill Army|
"""
_POLECAT_SAME = {
    **{"Contexts": "military;territory", "Country": "Norland", "Latitude": "10.5"},
    **{"Longitude": "100.25", "Actor Country": "NOR", "Recipient Country": "NOR"},
}

_EVENTS = """
event_id|known_from|date|date_end|kind|code|actor_a|actor_b|deaths|note
a1|2016-01-31|2016-01-30||strike|air|Military|NLF|3|Two, at noon.
a2||2016-02-01||clash||Frères de l'Été|NLF|0|
a3||2016-02-03|2016-02-03|talks|||NLF|0|Said "so".
a4||2016-02-29|2016-03-02|offensive|07|Military|Hill Army|12|
a5|2016-04-01|2016-03-01||deal||NLF|Hill Army||
a6||2016-12-31||other||||0|
"""
_EVENTS_SAME = {
    **{"date_precision": "day", "system": "hand", "conflict_id": "401.0"},
    **{"dyad_id": "901", "country": "Norland", "source": "by hand"},
    **{"latitude": "10.5", "longitude": "100.25", "deaths_low": "0"},
    **{"deaths_high": "20", "hostile": "TRUE", "due": "", "known_until": ""},
}
_TRUCES = """
truce_id|name|start|end|end_reason|parties|excluded|side|class|term_days
t1|River truce|2016-01-30|2016-02-27|collapsed|Government of Norland; NLF||bilateral|cessation|30
t2|Trêve d'Été|2016-02-01|||Government of Norland;Frères de l'Été|Hill Army|bilateral||
t3|Hill pause|2016-02-03|2016-02-03|expired|Hill Army|Lions|unilateral|preliminary|14
t4|"Lake" accord, part 1|2016-02-29|||NLF;Hill Army||multilateral|definitive|
t5|Feast|2016-03-01|2016-03-09|renewed|NLF||unilateral|cessation|7
t6|Last|2016-12-31||ongoing|NLF||||
"""
_TRUCES_SAME = {
    **{"agreement_id": "7", "conflict_id": "401", "dyad_id": "901.0"},
    **{"country": "Norland", "written": "1", "mediated": "False", "partial": ""},
    **{"enforcement": "TRUE", "purposes": "election;holiday", "source": "by hand"},
    **{"start_precision": "day", "end_precision": "day"},
}
_ETHPRIO = """
uniq_id|location|actor_name|ucdp_dyad|cf_effect_yr|cf_effect_month|cf_effect_day|side|ended|end_yr|end_month|end_day
70001|Norland|NLF|901|1994|1|12|1|2|1995|2|9
70002|Terre d'Été|Frères de l'Été|902|1996|-1|-1|2|0|-1|-1|-1
70003|Norland|Hill Army|903|1999|2|3|1|1|1999|3|0
70004|Norland|"Lions", and others|904|2001|12|31|3|-1|2002|0|0
70005|Southland|River Clan|-1|2003|5|0|1|3|2003|6|7
70006|Southland|Lake Clan|905|2008|2|29|2|4|2008|3|31
"""
_ETHPRIO_SAME = {"ucdp_acd_id": "401", "partial": "0", "written": "1", "fixed": "1"} | {
    **{"fixed_time": "30", "ceasefire_class": "1", "p_holiday": "1"},
    **{"mediator_nego": "0", "enforcement": "-1"},
}
_AGREEMENTS = """
paid|conflict_id|conflict_name|dyad_id|dyad_name|pa_name|pa_date|pa_3rd|ended|duration|cease
1501|401|Norland: Government|901|Government of Norland - NLF|River accord|2016-01-30|Southland|TRUE|2016-05-30|1
1502|401|Norland: Government|902|Government of Norland - Frères de l'Été|Accord d'Été|2016-02-01||False||1
1503|401|Norland: Government|903|Government of Norland - Hill Army|Hill accord|2016-02-03||TRUE|2016-02-03|1
1504|401|Norland: Government|901, 903|Government of Norland - NLF, Government of Norland - Hill Army|Lake accord|2016-02-29|UN|||1
1505|402|Southland: Shore|904|Government of Southland - Shore|Frame accord|2016-03-01||||0
1506|402|Southland: Shore|904|Government of Southland - Shore|Last accord|2016-12-31||||1
"""
_AGREEMENTS_SAME = dict.fromkeys(("ddr", "pol_prov", "terr_prov", "co_impl"), "1")
_AGREEMENTS_SAME |= {"pko": "0", "ref ": "0"}
_PAX = """
AgtId|Agt|Dat|Con|Stage|StageSub|Part|ThrdPart|UcdpCon
701|River ceasefire|2016-01-30|Norland|Cea|Ceas|For the NLF: A. Person|UN|401
702|Cessez-le-feu d'Été|2016-02-01|Norland/(Lowlands)|Cea|CeaMix|Pour les Frères: B.||401
703|Hill ceasefire|2016-02-03|Norland|Cea|Rel|NLF, Hill Army||402
704|"Lake" frame, part 1|2016-02-29|Norland|SubPar|Iss|||
705|Agenda|2016-03-01|Southland|Pre|Proc|A. Person|UN|NA
706|Renewed pause|2016-12-31|Southland|Cea|Ceas|On behalf of Shore: C.||403
"""
_PAX_SAME = {"Status": "Multiparty signed/agreed", "Agtp": "Intra", "PP": "7"}
_PAX_OLD = [*PAX_NEW.split()[:11], "Part", "ThrdPart", "UcdpCon", "UcdpAgr"]
_PAX_OLD += ["ImPK", "ImE"]
#: day before month, as the documents say, and never the other way round
_PAX_STYLES = {
    **{"2016-02-03": date(2016, 2, 3), "2100-12-31": date(2100, 12, 31)},
    **{"03/02/2016": date(2016, 2, 3), "02/03/2016": date(2016, 3, 2)},
    **{"31/12/2100": date(2100, 12, 31)},
}


def _pax_new() -> tuple[Row, ...]:
    """The same with the days and ids of later releases."""
    rows = _rows(PAX_NEW.split(), _PAX, **_PAX_SAME)
    return tuple(
        row
        | {"Dat": "/".join(reversed(row["Dat"].split("-")))}
        | {"UcdpCon": f"{row['UcdpCon']}.0" if row["UcdpCon"].isdigit() else ""}
        for row in rows
    )


_TABLE: dict[str, Any] = {
    "kind": "events",
    "source": events_table.table,
    "rows": _rows(tuple(events_table.CELLS), _EVENTS, **_EVENTS_SAME),
    "required": events_table.REQUIRED,
    "optional": events_table.OPTIONAL,
    "texts": {n: n for n in ("actor_a", "actor_b", "country", "source", "note")},
    "numbers": {
        n: n for n in ("deaths", "deaths_low", "deaths_high", "latitude", "longitude")
    },
    "dates": {n: n for n in ("date", "date_end", "due")},
    "closed": True,
}
_PAX_FRAME: dict[str, Any] = {
    "kind": "truces",
    "source": pax.pax,
    "required": pax.REQUIRED,
    "optional": pax.OPTIONAL,
    "texts": {"Agt": "name"},
    "dates": {"Dat": "start"},
    "styles": _PAX_STYLES,
}
FORMATS: dict[str, Format] = {
    "ged": Format(
        kind="events",
        source=ged.ged,
        file="ged.csv.gz",
        rows=_rows(GED.split(), _GED, **_GED_SAME),
        required=(*ged.REQUIRED, *ged.DEATHS),
        optional=ged.OPTIONAL,
        dates={"date_start": "date"},
        **_GED_FRAME,
    ),
    "ged_country": Format(
        kind="events",
        source=ged.ged,
        file="nor_v22_1.csv.gz",
        rows=_GED_FULL,
        required=(*ged.REQUIRED, *ged.DEATHS),
        optional=ged.OPTIONAL,
        dates={"date_start": "date", "date_end": "date_end"},
        second=_HASHTAGS,
        **_GED_FRAME,
    ),
    "acled": Format(file="acled.csv", **_ACLED_FRAME),
    "acled_json": Format(file="acled.json", **_ACLED_FRAME),
    "icews": Format(
        kind="events",
        source=icews.icews,
        file="events.2016.tab.gz",
        rows=_rows(ICEWS.split("|"), _ICEWS, **_ICEWS_SAME),
        required=icews.REQUIRED,
        optional=icews.OPTIONAL,
        texts={"Source Name": "actor_a", "Target Name": "actor_b"},
        numbers={"Latitude": "latitude", "Longitude": "longitude"},
        dates={"Event Date": "date"},
        separator="\t",
        quote=False,
    ),
    "icews_relations": Format(
        kind="events",
        source=icews_relations.icews_relations,
        file="icews_2016.csv.gz",
        rows=_rows(icews_relations.REQUIRED, _RELATIONS),
        required=icews_relations.REQUIRED,
        optional=(),
        texts={"source": "actor_a", "target": "actor_b", "relation": "note"},
        dates={"event_date": "date"},
    ),
    "gdelt": Format(
        kind="events",
        source=gdelt.gdelt,
        file="20160201000000.export.csv",
        rows=_rows(gdelt.COLUMNS, _GDELT, **_GDELT_SAME),
        required=gdelt.READ,
        optional=(),
        texts={"Actor1Name": "actor_a", "Actor2Name": "actor_b"},
        numbers={"ActionGeo_Lat": "latitude", "ActionGeo_Long": "longitude"},
        dates={"SQLDATE": "date"},
        styles={"20160203": date(2016, 2, 3)},
        separator="\t",
        quote=False,
        headed=False,
    ),
    "polecat": Format(
        kind="events",
        source=polecat.polecat,
        file="ngecEvents.DV.2016.txt",
        rows=_rows(POLECAT.split("|"), _POLECAT, **_POLECAT_SAME),
        required=polecat.REQUIRED,
        optional=polecat.OPTIONAL,
        texts={"Actor Name": "actor_a", "Recipient Name": "actor_b"},
        numbers={"Latitude": "latitude", "Longitude": "longitude"},
        dates={"Event Date": "date"},
        separator="\t",
    ),
    "events_csv": Format(file="events.csv", **_TABLE),
    "events_parquet": Format(file="events.parquet", **_TABLE),
    "truces_csv": Format(
        kind="truces",
        source=truces_table.table,
        file="truces.csv",
        rows=tuple(
            row | {"end_precision": "day" if row["end"] else ""}
            for row in _rows(tuple(truces_table.CELLS), _TRUCES, **_TRUCES_SAME)
        ),
        required=truces_table.REQUIRED,
        optional=truces_table.OPTIONAL,
        texts={n: n for n in ("name", "country", "source")},
        numbers={"term_days": "term_days"},
        dates={"start": "start", "end": "end"},
        closed=True,
    ),
    "ethprio": Format(
        kind="truces",
        source=ethprio.ethprio,
        file="ceasefires.csv",
        rows=_rows(
            ("cc", *ethprio.REQUIRED, *ethprio.OPTIONAL, "comment"),
            _ETHPRIO,
            **_ETHPRIO_SAME,
        ),
        required=ethprio.REQUIRED,
        optional=ethprio.OPTIONAL,
        texts={"location": "country"},
    ),
    "ucdp_agreements": Format(
        kind="truces",
        source=ucdp_agreements.ucdp_agreements,
        file="agreements.csv",
        rows=_rows(UCDP_AGREEMENTS.split(","), _AGREEMENTS, **_AGREEMENTS_SAME),
        required=(*ucdp_agreements.REQUIRED, *ucdp_agreements.PROVISIONS),
        optional=ucdp_agreements.OPTIONAL,
        texts={"pa_name": "name"},
        dates={"pa_date": "start", "duration": "end"},
    ),
    "pax_old": Format(
        file="pax_2020.csv.gz",
        rows=_rows(_PAX_OLD, _PAX, **_PAX_SAME, ImPK="0", ImE="1"),
        **_PAX_FRAME,
    ),
    "pax_new": Format(file="pax_2026.csv.gz", rows=_pax_new(), **_PAX_FRAME),
}
