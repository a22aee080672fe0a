"""Which column is taken for which field of a bar."""

from __future__ import annotations

import pytest
from hookbus_market.columns import ColumnError, find_layout, fit_to_row

PRICES = ["Open", "High", "Low", "Close"]


def found(header: list[str], row: list[str] | None = None, **wanted: str | int) -> dict[str, str]:
    """The name of the column for each field."""
    layout = fit_to_row(find_layout(header, wanted), header if row is None else row)
    return {field: layout.column(field) for field in layout.fields}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (["Date", *PRICES, "Adj Close", "Volume"], {"time": "Date", "adjusted_close": "Adj Close"}),
        (["", *PRICES, "Volume"], {"time": "", "volume": "Volume"}),
        (["timestamp", "o", "h", "l", "c", "v"], {"time": "timestamp", "open": "o", "volume": "v"}),
        (["Gmt time", *PRICES], {"time": "Gmt time"}),
        (
            ["<TICKER>", "<DATE>", "<TIME>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>", "<VOL>"],
            {"symbol": "<TICKER>", "time": "<DATE>", "clock": "<TIME>", "volume": "<VOL>"},
        ),
        (["unix", "date", "symbol", *PRICES], {"time": "date", "symbol": "symbol"}),
        (["Open time", *PRICES, "Volume", "Close time"], {"time": "Close time"}),
        (["date", "time", *PRICES], {"time": "date", "clock": "time"}),
        (["time", *PRICES, "date of import"], {"time": "time"}),
        (["", "Date", *PRICES], {"time": "Date"}),
        (["__index_level_0__", *PRICES], {"time": "__index_level_0__"}),
        (["DATE", "OPEN_PRICE", "HIGH_PRICE", "LOW_PRICE", "LAST"], {"close": "LAST"}),
    ],
    ids=str,
)
def test_usual_names_are_recognised(header: list[str], expected: dict[str, str]) -> None:
    """Case and punctuation do not matter, and what tells most about the time wins."""
    assert expected.items() <= found(header).items()


def test_names_and_positions_can_be_set() -> None:
    """A setting wins over what would be recognised; positions count from 1."""
    columns = found(["A", "Date", "x", *PRICES], time="A", open=3, close="CLOSE")
    assert columns == {"time": "A", "open": "x", "high": "High", "low": "Low", "close": "Close"}


def test_an_empty_name_leaves_a_column_out() -> None:
    """A column that is recognised wrongly can be switched off."""
    assert "volume" not in found(["Date", *PRICES, "Volume"], volume="")


def test_a_missing_column_is_an_error_that_lists_what_there_is() -> None:
    """The reader learns which field is missing and which columns could be meant."""
    with pytest.raises(ColumnError, match="no column for low and close among 'Date', 'Open'"):
        found(["Date", "Open", "High", "Foo"])


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"open": "Opn"}, "open is set to column 'Opn', which is not there; did you mean 'Open'"),
        ({"open": "zzz"}, "which is not there; there are 'Date', 'Open'"),
        ({"open": 6}, "open is set to column 6, but there are 5 columns"),
    ],
)
def test_a_column_that_is_set_but_not_there_is_an_error(
    wanted: dict[str, str | int], message: str
) -> None:
    """A misspelt column is never replaced by a recognised one."""
    with pytest.raises(ColumnError, match=message):
        find_layout(["Date", *PRICES], wanted)


def test_date_and_time_in_two_columns_of_which_the_header_names_one() -> None:
    """All columns behind the date move by one, and the second becomes the time of day."""
    layout = fit_to_row(
        find_layout(["Date", *PRICES, "Volume"]), ["2006-01-02", "09:01:00", *"1234", "5"]
    )
    assert dict(layout.fields) == {
        "time": 0,
        "clock": 1,
        "open": 2,
        "high": 3,
        "low": 4,
        "close": 5,
        "volume": 6,
    }
    assert layout.column("clock") == "Date (time of day)"


def test_a_header_that_leaves_out_the_first_column() -> None:
    """Rows that begin with a column without any name begin with the time."""
    assert found(["o", "h", "l", "c"], ["2006-01-02", *"1234"]) == {
        "time": "",
        "open": "o",
        "high": "h",
        "low": "l",
        "close": "c",
    }


def test_one_field_too_many_that_is_no_time_of_day_changes_nothing() -> None:
    """A row with a stray field is a bad row, not a new layout."""
    assert "clock" not in found(["Date", *PRICES], ["2006-01-02", "1", "2", "3", "4", "stray"])
