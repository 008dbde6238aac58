"""Laws of every page that a command writes, opened from the disk in a real browser.

A further page is held to them by a line in `written`, and its name in `KINDS`.
"""

import base64
import math
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import chromium, fresh, opened
from finished import ROOT, TINY, finished
from playwright.sync_api import Browser, Page, expect
from test_scoring_page import facts, scored

from forecast.commands import check, compare, score
from forecast.report import scoring
from forecast.report.template import fill
from forecast.report.trust import Proof

pytestmark = pytest.mark.slow
KINDS = ["run", "score", "many", "check", "compare", "beside"]
#: every section of a run's report has something to show
WHOLE = [
    *TINY,
    "models=[logit]",
    "draws=20",
    "split=once",
    "as_of='2005-06-01'",
    "explain=true",
    "truth={seed: 5, conflicts: 8, years: 6, draws: 3, every: 4}",
    "audits=[overlap]",
    "tracking=none",
]
PLAIN = [word for word in WHOLE if not word.startswith(("explain", "truth", "audits"))]
Scheme: TypeAlias = Literal["light", "dark"]
WIDE, TABLET, PHONE = 1400, 768, 375
#: pixels between the margins of A4, 10 mm each, at 96 to the inch
PAPER = 718
#: words without a place to break, as paths and digests are
UNBROKEN = "long" * 50
MIB = 2**20
WHITE = "rgb(255, 255, 255)"


def written(home: Path) -> dict[str, Path]:
    """Pages of all kinds, from small data."""
    first = finished(home, *WHOLE)
    second = finished(home, *PLAIN, "leave_out=[recent]", name="second")
    both = [str(first), str(second), "tracking=none", "draws=50"]
    syria = [f"{kind}=syria_2016" for kind in ("events", "truces")]
    called = {
        score: ["score", *syria, "as_of=2016-04-07", "model=reference"],
        check: ["check", "events=table", f"events.table.path={events(home)}"],
        compare: ["compare", *both],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECAST_HOME", str(home))
        patch.setenv("FORECAST_ROOT", str(ROOT))
        for command, (name, *words) in called.items():
            # what is refused below is past a limit of `check`
            code = 1 if command is check else 0
            assert command.main([*words, f"out={home / name}"]) == code
        assert compare.main([*both, "labels=any", f"out={home / 'beside'}"]) == 0
    many = home / "many.html"
    many.write_text(scoring.render(scored(12), facts(), Proof()), encoding="utf-8")
    return {
        "run": first / "report.html",
        "score": home / "score" / "report.html",
        "many": many,
        "check": home / "check" / "report.html",
        "compare": home / "compare" / "compare.html",
        "beside": home / "beside" / "beside.html",
    }


def events(home: Path) -> Path:
    """A file of thirty years of events, some of which are none."""
    path = home / "events.csv"
    days = [f"{y}-{m:02}-03" for y, m in product(range(1990, 2020), range(1, 13))]
    rows = [f"e{i},{day},clash,day,A,Mali,1" for i, day in enumerate(days)]
    rows += [f"b{i},{UNBROKEN},clash,day,A,Mali,1" for i in range(40)]
    head = "event_id,date,kind,date_precision,actor_a,country,deaths"
    path.write_text("\n".join([head, *rows, ""]))
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened() as started:
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    chromium()  # a skip need not wait for runs
    return written(tmp_path_factory.mktemp("home"))


@pytest.fixture(params=KINDS)
def path(request: pytest.FixtureRequest, pages: dict[str, Path]) -> Path:
    return pages[request.param]


def troubles(page: Page) -> list[str]:
    """Whatever a page will say or ask for, once it is opened."""
    found: list[str] = []
    page.on("console", lambda message: found.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on("request", lambda request: found.append(request.url))
    return found


def asked(page: Page, what: str) -> Any:
    """Value of a JavaScript expression over the things of a page, but charts' parts."""
    things = """const things = [...document.querySelectorAll('body *:not(svg *)')]
      .filter(e => e.getClientRects().length);"""
    return page.evaluate(f"() => {{ {things} return {what} }}")


#: what lies beyond the window, and in no region that scrolls
OUTSIDE = """things.filter(e => {
  const {left, right} = e.getBoundingClientRect();
  const beyond = left < -1 || right > document.documentElement.clientWidth + 1;
  return beyond && !e.parentElement.closest('[role=region][tabindex]');
}).map(e => e.outerHTML.slice(0, 99))"""
#: what holds more than it shows
HIDES = """things.filter(e => e.scrollWidth > e.clientWidth + 1
  && getComputedStyle(e).display !== 'inline'
  && getComputedStyle(e).overflowX !== 'visible')"""
#: of the letters in charts: height, contrast (which axe leaves out), pixels cut off
LETTERS = """(() => {
  const light = colour => colour.match(/\\d+/g).slice(0, 3).map(part => part / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0.05);
  return [...document.querySelectorAll('svg text')].map(e => {
    const {a, b} = e.getScreenCTM(), {fontSize, fill} = getComputedStyle(e);
    const card = e.closest('.card'), paper = getComputedStyle(card).backgroundColor;
    const [dark, bright] = [light(fill), light(paper)].sort();
    const cut = card.getBoundingClientRect().left - e.getBoundingClientRect().left;
    return [parseFloat(fontSize) * Math.hypot(a, b), bright / dark, cut];
  });
})()"""
#: numbers what a keyboard may stop at, in the order of the page, and notes what scrolls
STOPS = """things.filter(e => e.matches('a[href], button, input, summary, [tabindex]'))
  .map((e, i) => {
    e.toggleAttribute('data-wide', e.scrollWidth > e.clientWidth + 40);
    e.onscrollend = () => e.removeAttribute('data-wide');
    return e.dataset.stop = i;
  })"""
#: where the keyboard is, whether a ring shows it, and whether it is in the window
HERE = """[document.activeElement].map(e => [
  Number(e.dataset.stop),
  getComputedStyle(e).outlineStyle !== 'none'
    && parseFloat(getComputedStyle(e).outlineWidth) >= 1,
  e.getBoundingClientRect().top < innerHeight && e.getBoundingClientRect().bottom > 0,
])[0]"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_asks_for_nothing_and_fits_every_width(
    browser: Browser, path: Path, scheme: Scheme
) -> None:
    assert path.stat().st_size < 3 * MIB
    for width in (WIDE, TABLET, PHONE):
        page = fresh(browser, width, scheme=scheme)
        found = troubles(page)
        page.goto(path.as_uri())
        assert asked(page, "document.documentElement.scrollWidth") == width
        assert asked(page, OUTSIDE) == []
        # what is too wide scrolls in a region that has a name and that keys reach
        assert asked(page, f"{HIDES}.every(e => e.matches('[role][tabindex]'))")
        heights, contrasts, cut = zip(*asked(page, LETTERS), strict=True)
        assert min(heights) >= 9
        assert min(contrasts) >= 4.5
        assert max(cut) <= 0
        assert found == [path.as_uri()]
        page.close()


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_axe_finds_no_fault(
    browser: Browser, path: Path, width: int, scheme: Scheme
) -> None:
    page = fresh(browser, width, scheme=scheme)
    page.goto(path.as_uri())
    found = Axe().run(page)
    page.close()
    assert found.violations_count == 0, found.generate_report()
    held = {rule["id"] for rule in found.response["passes"]}
    assert {"color-contrast", "document-title", "heading-order"} <= held


def test_keys_reach_everything_and_show_where_they_are(
    browser: Browser, path: Path
) -> None:
    page = fresh(browser, PHONE)
    page.goto(path.as_uri())
    last = page.locator("nav a").last
    last.press("Enter")
    target = str(last.get_attribute("href"))
    assert page.url == path.as_uri() + target
    expect(page.locator(target)).to_be_in_viewport()
    page.goto(path.as_uri())
    for stop in asked(page, STOPS):
        page.keyboard.press("Tab")
        assert asked(page, HERE) == [stop, True, True]
        if asked(page, "document.activeElement.matches('[data-wide]')"):
            page.keyboard.press("ArrowRight")
            expect(page.locator(f"[data-wide][data-stop='{stop}']")).to_have_count(0)
    page.close()


def test_on_paper_nothing_is_cut_off(browser: Browser, path: Path) -> None:
    page = fresh(browser, PAPER, scheme="dark")
    page.goto(path.as_uri())
    page.emulate_media(media="print")
    assert asked(page, "document.documentElement.scrollWidth") == PAPER
    assert asked(page, OUTSIDE) == []
    assert asked(page, f"{HIDES}.length") == 0
    # ink on white, though the screen is dark, and no part of the page stays behind
    assert asked(page, "getComputedStyle(document.body).backgroundColor") == WHITE
    parts = "'section, table, tr, svg'"
    shown = asked(page, f"things.filter(e => e.matches({parts})).length")
    assert shown == page.locator("section, table, tr, svg").count()
    edge: Any = dict.fromkeys(("top", "bottom", "left", "right"), "10mm")
    assert page.pdf(format="A4", margin=edge).startswith(b"%PDF")
    page.close()


def test_truces_are_sorted_and_found_by_keys(
    browser: Browser, pages: dict[str, Path]
) -> None:
    page = fresh(browser)
    page.goto(pages["many"].as_uri())
    rows = page.locator("#scores tbody tr")
    expect(rows).to_have_count(12)
    age = page.get_by_role("columnheader", name="Age, days")
    for order in ("descending", "ascending"):
        age.get_by_role("button").press("Enter")
        expect(age).to_have_attribute("aria-sort", order)
        ages = [int(a or 0) for a in rows.locator("td:nth-child(4)").all_inner_texts()]
        assert ages == sorted(ages, reverse=order == "descending")
        assert len(ages) == 12
    # a truce that began within the week comes last
    page.evaluate(
        "const cell = document.querySelector('#scores tbody tr td:nth-child(7)');"
        "cell.dataset.key = ''; cell.textContent = 'new'"
    )
    week = page.get_by_role("columnheader", name="Week")
    for _ in range(2):
        week.get_by_role("button").press("Enter")
        assert rows.locator("td:nth-child(7)").all_inner_texts()[-1] == "new"
    page.get_by_label("Show only").fill("land truce 11")
    expect(rows.locator("visible=true")).to_have_count(1)
    expect(page.get_by_role("status")).to_have_text("1 of 12 truces")
    page.get_by_label("Show only").fill("")
    expect(rows.locator("visible=true")).to_have_count(12)
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("sight", ["deuteranopia", "protanopia", "tritanopia"])
def test_the_two_colours_differ_to_every_eye(
    browser: Browser, scheme: Scheme, sight: str
) -> None:
    page, blank = fresh(browser, 200, 100, scheme), fresh(browser)
    halves = (
        "<style>"
        + fill("style.css.j2")
        + """
      main { max-width: none; height: 100px; padding: 0;
             background: linear-gradient(90deg, var(--blue) 50%, var(--vermilion) 50%) }
      </style><main></main>"""
    )
    page.set_content(halves)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Emulation.setEmulatedVisionDeficiency", {"type": sight})
    seen = base64.b64encode(page.screenshot()).decode()
    blue, vermilion = blank.evaluate(
        """async picture => {
          const bytes = await (await fetch('data:image/png;base64,' + picture)).blob();
          const canvas = new OffscreenCanvas(200, 100).getContext('2d');
          canvas.drawImage(await createImageBitmap(bytes), 0, 0);
          return [50, 150].map(x => [...canvas.getImageData(x, 50, 1, 1).data]);
        }""",
        seen,
    )
    # red and green of one lightness are 20 to 90 apart for the same eyes
    assert math.dist(blue, vermilion) > 150
    page.close()
    blank.close()
