"""`forecast check`: what is typed, what comes back, with which exit code."""

import json
import re
from html import unescape
from pathlib import Path

import polars as pl
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from forecast.commands import check, options
from forecast.commands.check import alone
from forecast.quality import LIMITS, Quality
from forecast.report.quality import Facts, render
from forecast.report.quality_tables import LAYOUT, sections
from forecast.schema import Rejected

ROOT = Path(__file__).parent.parent
FILES = {"quality.csv", "rejected.csv", "report.html", "run.json"}
SCRIPT = "<script>alert(1)</script>"
HEADER = "event_id,date,kind,date_precision,actor_a,country,deaths\n"


def written(path, rows=20, bad=0, precision="day", country="Mali"):
    """A file of events, some of them no events."""
    lines = [
        f"{i},2016-03-{1 + i % 28:02},clash,{precision},{SCRIPT},{country},1\n"
        for i in range(rows)
    ]
    lines += [f"b{i},{SCRIPT},clash,day,A,Mali,1\n" for i in range(bad)]
    path.write_text(HEADER + "".join(lines))
    return [
        f"events.table.path={path}",
        "events=table",
        f"out={path.parent / 'to' / 'out'}",
    ]


def test_a_file_of_events_alone(tmp_path, capsys):
    assert check.main(written(tmp_path / "e.csv")) == 0
    assert {p.name for p in (tmp_path / "to" / "out").iterdir()} == FILES
    said = capsys.readouterr()
    assert "every limit is kept" in said.out
    assert str(tmp_path / "to" / "out" / "report.html") in said.out
    assert said.err == ""
    quality = pl.read_csv(tmp_path / "to" / "out" / "quality.csv")
    assert quality.columns == Quality.column_names()
    assert quality["kind"].unique().to_list() == ["events"]
    account = json.loads((tmp_path / "to" / "out" / "run.json").read_text())
    assert account["exceeded"] == []
    assert account["inputs"].keys() == {str(tmp_path / "e.csv")}


@pytest.mark.parametrize(
    ("limit", "file"),
    [
        ("limits.rejected=0.05", {"bad": 2}),
        ("limits.imprecise=0.5", {"precision": "month"}),
    ],
)
def test_past_a_limit_it_ends_with_1_and_its_name(tmp_path, capsys, limit, file):
    words = [*written(tmp_path / "e.csv", **file), limit]
    assert check.main(words) == 1
    said = capsys.readouterr()
    assert (
        f"past a limit: events table: {'9.1' if 'bad' in file else '100'}" in said.err
    )
    assert limit in said.err
    assert "every limit" not in said.out
    # the report is written all the same: it says what is wrong
    assert {p.name for p in (tmp_path / "to" / "out").iterdir()} == FILES
    assert limit in (tmp_path / "to" / "out" / "report.html").read_text()
    rejected = pl.read_csv(tmp_path / "to" / "out" / "rejected.csv")
    assert rejected.height == file.get("bad", 0)


def test_a_limit_lifted_is_no_limit(tmp_path):
    words = written(tmp_path / "e.csv", bad=9)
    assert check.main([*words, "limits.rejected=null"]) == 0


def test_max_rejected_is_the_limit_of_a_run(tmp_path):
    words = written(tmp_path / "e.csv", bad=2)
    assert check.main([*words, "max_rejected=0.2"]) == 0
    assert (
        check.main([*words[:2], "max_rejected=0.05", f"out={tmp_path / 'to' / 'b'}"])
        == 1
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["events=[gde]"], 2, "no events=gde; there are:"),
        (["experiments=gde"], 2, "no experiments=gde; there are:"),
        (["limits.unknown=1"], 2, "limits.unknown"),
        (["events=table"], 2, "a value is missing"),
        (["+limits.unknown=1"], 1, "limits.unknown: no such limit: rejected"),
        (["limits.rejected=often"], 1, "expected a share from 0 to 1"),
        (["limits.rejected=1.5"], 1, "expected a share from 0 to 1"),
        (["limits.rejected=true"], 1, "expected a share from 0 to 1"),
        (["events=[]", "truces=[]"], 1, "nothing to check"),
    ],
)
def test_words_that_cannot_be_used(tmp_path, capsys, words, code, said):
    assert check.main(words) == code
    assert said in capsys.readouterr().err
    assert not list(tmp_path.rglob("run.json"))


def test_what_is_named_is_what_is_checked():
    assert alone(["events=[a,b]"]) == ["events=[a,b]", "truces=[]"]
    assert alone(["truces=a"]) == ["truces=a", "events=[]"]
    for words in ([], ["experiments=x", "events=a"], ["events=a", "truces=b"]):
        assert alone(words) == words


def test_every_group_of_a_run_is_known_so_that_an_experiment_may_choose():
    def groups(verb):
        config = OmegaConf.load(ROOT / "conf" / f"{verb}.yaml")
        entries = [e for e in config.defaults if not isinstance(e, str)]
        return {str(key) for entry in entries for key in entry}

    assert groups("run") - {"optional experiments"} <= groups("check")


def test_every_experiment_loads_what_its_run_loads():
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        for name in options.choices()["experiments"]:
            words = [f"experiments={name}"]
            ours, theirs = compose("check", words), compose("run", words)
            assert ours.events == theirs.events
            assert ours.truces == theirs.truces


def test_an_experiment_that_sweeps_is_checked_once(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("ablation", "fidelity"):
        words = [f"experiments={name}", "data_root=/nowhere"]
        assert check.main(words) == 1
        assert capsys.readouterr().err.count("/nowhere/") == 1
    assert not list(tmp_path.glob("multirun"))


def test_truces_may_set_which_of_them_are_followed(tmp_path):
    words = ["events=syria_2016", "truces=syria_2016", f"out={tmp_path / 'to' / 'out'}"]
    assert check.main(words) == 0
    quality = pl.read_csv(tmp_path / "to" / "out" / "quality.csv")
    assert quality.filter(pl.col("item") == "followed")["value"].item() == 1


def test_real_data(shared, tmp_path, capsys):
    words = ["experiments=ged_ethprio", f"data_root={shared / 'data'}"]
    assert check.main(words) == 0
    (folder,) = (tmp_path / "outputs" / "check").iterdir()
    assert {p.name for p in folder.iterdir()} == FILES
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines()[:-2])) <= 80
    assert "row without a UCDP dyad" in said
    page = (folder / "report.html").read_text()
    assert all(f'id="{name}"' in page for name in LAYOUT if name != "overlap")
    assert page.count("<svg") == 2
    assert ">Bosnia-Herzegovina<" in page


def test_the_page_fetches_nothing_and_escapes_every_text(tmp_path):
    words = written(tmp_path / "e.csv", bad=2, country=SCRIPT)
    assert check.main([*words, "max_rejected=1"]) == 0
    page = (tmp_path / "to" / "out" / "report.html").read_text()
    assert SCRIPT not in page
    assert page.count("&lt;script&gt;") >= 3
    assert not re.search(r"<(script|link rel=.stylesheet|iframe|img)", page)
    links = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert all(link.startswith(("#", "data:")) for link in links)
    assert "url(" not in page.replace("url(#", "")
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert all(f'id="{link[1:]}"' in page for link in links if link.startswith("#"))


def test_the_page_says_what_the_findings_say():
    row = {"section": "rows", "kind": "events", "source": "a & b", "detail": None}
    quality = Quality.validate(
        pl.DataFrame(
            [
                row | {"item": "read", "value": 12345.0, "share": None},
                row | {"item": "refused", "value": 5.0, "share": 5 / 12345},
                row | {"item": "unaccounted", "value": 7.0, "share": None},
            ],
            infer_schema_length=None,
        ),
        cast=True,
    )
    facts = Facts(
        title="a & b",
        exceeded=("one", "two"),
        sources=pl.DataFrame(),
        rejected=Rejected.create_empty(),
        run={},
        stages=pl.DataFrame({"stage": ["load"], "seconds": [1.0]}),
    )
    page = render(quality, facts)
    assert page == render(quality, facts)
    assert "2 limits are exceeded" in page
    text = unescape(re.sub(r"<[^>]+>", " ", page))
    assert "12\N{NARROW NO-BREAK SPACE}345" in text
    assert "5 (<0.1%)" in text
    (section,) = sections(quality)
    missing = next(b for b in section.blocks if "went missing" in b.caption)
    assert missing.rows == (("events", "a & b", "7"),)


def test_help_names_the_limits_and_the_experiments(capsys):
    assert check.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert "limits" in said
    assert "ged_ethprio" in said
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        assert set(compose("check").limits) == set(LIMITS)
