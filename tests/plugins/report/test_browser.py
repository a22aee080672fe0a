"""The page in a real browser: it is drawn, it can be used, and nobody's names become code."""

from __future__ import annotations

import html
import json
from pathlib import Path

import pytest
from hookbus_report.page import make_page

from tests.plugins.report.browser import act, colours, look, needs_browser
from tests.plugins.report.makers import document, equity
from tests.plugins.report.script import script
from tests.plugins.report.test_page import EVIL, Parts, evil_page

pytestmark = needs_browser

CHARTS = r'class="chart"[^>]*data-drawn="(\d+)"'


@pytest.fixture(scope="module")
def page() -> bytes:
    """The page of a run with everything in it."""
    return make_page(document((event for _, event in script(bars=800)), title="A run"))


def test_everything_is_drawn_without_an_error(tmp_path: Path, page: bytes) -> None:
    """Three charts with points, bands, tables, and nothing in the console."""
    seen = look(tmp_path, page)
    assert (seen.state, seen.console) == ("drawn", [])
    assert len(seen.texts(CHARTS)) == 3
    assert all(int(points) > 50 for points in seen.texts(CHARTS))
    assert seen.dom.count("<canvas") == 3
    for kind in ("state-normal", "state-degraded", "state-halted", "state-live", "band shaded"):
        assert kind in seen.dom, kind
    assert seen.texts("<h1>(.*?)</h1>") == ["A run"]
    assert "No events" not in seen.dom


def test_numbers_of_the_document_are_on_the_page(tmp_path: Path, page: bytes) -> None:
    """The tiles say what the metrics are, and every metric has its explanation."""
    made = document(event for _, event in script(bars=800))
    seen = look(tmp_path, page)
    figures = made["books"]["main"]["figures"]
    tiles = seen.texts(r'class="tile">.*?class="value[^"]*">(.*?)<')
    assert tiles[0] == figures["total_return"]["text"]
    assert tiles[2] == figures["sharpe"]["text"]
    assert tiles[-1] == figures["trades"]["text"]
    explained = {html.unescape(text) for text in seen.texts(r'data-tip="(.*?)"')}
    assert all(any(one["meaning"] in tip for tip in explained) for one in made["glossary"])


def test_names_are_text(tmp_path: Path) -> None:
    """A symbol that is a script is shown, and does not run."""
    seen = look(tmp_path, evil_page())
    assert (seen.state, seen.console) == ("drawn", [])
    assert html.escape(EVIL) in seen.dom
    assert [tag for tag, _ in Parts(seen.dom.encode()).elements].count("script") == 2


def test_a_run_in_which_nothing_happened_is_drawn(tmp_path: Path) -> None:
    """Each section says in a line that it has nothing to show."""
    for made in (document([]), document([equity(100)])):
        seen = look(tmp_path, make_page(made))
        assert (seen.state, seen.console) == ("drawn", [])
        for line in ("There were no bars to draw.", "No ranking was published.",
                     "No order was rejected.", "No events of: policy, health"):  # fmt: skip
            assert line in seen.dom


def test_a_page_that_cannot_be_drawn_says_so(tmp_path: Path) -> None:
    """A reader sees what is wrong instead of an empty page, and these tests would see it too."""
    made = document([equity(100)])
    del made["glossary"]
    seen = look(tmp_path, make_page(made))
    assert seen.state == "failed"
    assert "The report could not be drawn" in seen.dom
    assert seen.console


USE = """
(async () => {
const all = (selector) => [...document.querySelectorAll(selector)];
const column = (at) => all("#trades tbody tr").map((row) => row.cells[at].textContent);
const out = {};
const [byProfit] = all("#trades th button").filter((one) => one.textContent === "Profit");
byProfit.click();
out.down = column(7);
byProfit.click();
out.up = column(7);
const field = document.querySelector("#trades input");
field.value = "beta";
field.dispatchEvent(new Event("input"));
out.symbols = column(2);
const plots = all("#equity .chart").map((host) => host.plot);
const box = plots[0].over.getBoundingClientRect();
const mouse = (kind, x) => plots[0].over.dispatchEvent(new MouseEvent(kind, {
  bubbles: true, view: window, button: 0, movementX: 5,
  clientX: box.left + x, clientY: box.top + 50,
}));
mouse("mousemove", 100);
await null;
mouse("mousedown", 100);
await null;
mouse("mousemove", 400);
await null;
mouse("mouseup", 400);
await null;
out.zoomed = plots.map((plot) => [plot.scales.x.min, plot.scales.x.max]);
const choose = (label, value) => {
  const [chooser] = all("label.chooser").filter((one) => one.textContent.startsWith(label));
  const select = chooser.querySelector("select");
  select.value = value;
  select.dispatchEvent(new Event("change"));
};
choose("Symbol", "GAMMA");
out.legend = document.querySelector("#prices .u-legend").textContent;
choose("Book", "shadow:script");
out.tile = document.querySelector(".tile .value").textContent;
out.canvases = all("canvas").length;
document.body.append(make("pre", { id: "out" }, JSON.stringify(out)));
})();
"""


def test_the_page_can_be_used(tmp_path: Path) -> None:
    """Sort, filter, zoom both charts by dragging in one, choose another symbol and another book."""
    made = document(event for _, event in script(bars=1500))
    seen = act(tmp_path, make_page(made), USE)
    assert seen.console == []
    out = json.loads(html.unescape(seen.texts('<pre id="out">(.*?)</pre>')[0]))
    down = [float(text.replace(",", "")) for text in out["down"]]
    profits = [row[7] for row in made["books"]["main"]["trades"]["rows"]]
    assert len(profits) > len(down) == 25
    assert down == pytest.approx(sorted(profits, reverse=True)[:25], abs=0.01)
    assert [float(text.replace(",", "")) for text in out["up"]] == pytest.approx(
        sorted(profits)[:25], abs=0.01
    )
    assert set(out["symbols"]) == {"BETA"}
    one, two = out["zoomed"]
    assert one == pytest.approx(two, abs=3600)
    assert made["begin"] < one[0] < one[1] < made["end"]
    assert "GAMMA" in out["legend"]
    assert out["tile"] == made["books"]["shadow:script"]["figures"]["total_return"]["text"]
    assert out["canvases"] == 3


@pytest.mark.parametrize(
    ("scheme", "ground", "curve"),
    [("light", (244, 246, 249), (28, 95, 212)), ("dark", (14, 19, 26), (116, 173, 255))],
)
def test_a_picture_shows_the_curves(
    tmp_path: Path, page: bytes, scheme: str, ground: tuple[int, ...], curve: tuple[int, ...]
) -> None:
    """On the ground of its scheme there is the line of equity, in pixels."""
    found = colours(tmp_path, page, scheme)
    assert found[ground] > 20_000
    assert found[curve] > 300
