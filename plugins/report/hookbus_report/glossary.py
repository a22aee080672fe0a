"""What each metric means: its formula and its source, as page and README show them."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

__all__ = ["GLOSSARY", "Definition", "Unit"]

Unit = Literal["change", "share", "ratio", "money", "days", "count", "yearly"]
"""How a value is written: a signed percentage, one without sign, a plain number, an amount of
money, days, a whole number, times per year."""


class Definition(NamedTuple):
    """One metric: its key in JSON, its title, and what it means with its formula and source."""

    key: str
    title: str
    group: str
    unit: Unit
    meaning: str
    source: str = ""


_RETURN, _RISK, _TRADES, _ACTIVITY = "Return", "Risk", "Trades", "Activity and costs"

GLOSSARY: Final = (
    Definition("total_return", "Total return", _RETURN, "change",
               "Last equity / first equity - 1."),
    Definition("cagr", "CAGR", _RETURN, "change",
               "(Last equity / first equity)^(365 / days) - 1, over the time from the first to the "
               "last event, in days.", "GIPS 2020 glossary, annualised return; actual/365"),
    Definition("buy_and_hold", "Buy and hold", _RETURN, "change",
               "Mean over all symbols of last close / first close - 1: the same money in each, "
               "bought at the first bar and kept, without costs."),
    Definition("profit", "Profit", _RETURN, "money", "Last equity - first equity."),
    Definition("first_equity", "First equity", _RETURN, "money",
               "The first equity that the portfolio published."),
    Definition("last_equity", "Last equity", _RETURN, "money",
               "The last equity that the portfolio published."),
    Definition("sharpe", "Sharpe ratio", _RISK, "ratio",
               "Mean / sample standard deviation (divisor n - 1) of the daily returns above the "
               "risk-free rate, times the square root of the days in a year.", "Sharpe 1994"),
    Definition("sortino", "Sortino ratio", _RISK, "ratio",
               "Mean of the daily returns above the risk-free rate / downside deviation, times the "
               "square root of the days in a year. Downside deviation: the root of the mean, over "
               "all days, of the squares of those that are negative (the others count as 0).",
               "Sortino and Price 1994"),
    Definition("calmar", "Calmar ratio", _RISK, "ratio",
               "CAGR / maximum drawdown, both of the whole run.", "Young 1991"),
    Definition("volatility", "Volatility", _RISK, "share",
               "Sample standard deviation (divisor n - 1) of the daily returns, times the square "
               "root of the days in a year."),
    Definition("maximum_drawdown", "Maximum drawdown", _RISK, "share",
               "The deepest fall of equity below the highest it had been: (peak - equity) / peak, "
               "of every equity that was published, not only of daily ones.",
               "Magdon-Ismail and Atiya 2004"),
    Definition("drawdown_days", "Length of the maximum drawdown", _RISK, "days",
               "From the peak until equity was at that height again, or to the end of the run."),
    Definition("longest_drawdown_days", "Longest drawdown", _RISK, "days",
               "The longest time from a peak until equity was at that height again, or to the end "
               "of the run."),
    Definition("trades", "Trades", _TRADES, "count", "Round trips that were closed."),
    Definition("win_rate", "Win rate", _TRADES, "share",
               "Trades with a profit after costs / all trades; one that came out even is not won."),
    Definition("profit_factor", "Profit factor", _TRADES, "ratio",
               "Sum of the profits of winning trades / sum of the losses of losing ones.",
               "Schwager 1984"),
    Definition("expectancy", "Expectancy", _TRADES, "money",
               "Mean profit of a trade after costs.", "Tharp 1998"),
    Definition("average_win", "Average win", _TRADES, "money", "Mean profit of winning trades."),
    Definition("average_loss", "Average loss", _TRADES, "money", "Mean profit of losing trades."),
    Definition("best_trade", "Best trade", _TRADES, "money", "The largest profit of one trade."),
    Definition("worst_trade", "Worst trade", _TRADES, "money", "The smallest profit of one trade."),
    Definition("exposure", "Exposure", _ACTIVITY, "share",
               "Share of the time during which any position was held, counted from fills."),
    Definition("longest_flat_days", "Longest time flat", _ACTIVITY, "days",
               "The longest time without any position."),
    Definition("fills", "Fills", _ACTIVITY, "count", "Executions, buys and sales."),
    Definition("turnover", "Turnover", _ACTIVITY, "yearly",
               "Value of all fills, buys and sales, / mean of the daily equity, in a year of 365 "
               "days."),
    Definition("commission", "Commission", _ACTIVITY, "money", "Sum of the commission of fills."),
    Definition("slippage", "Slippage", _ACTIVITY, "money",
               "Sum of what the difference between expected and paid prices cost."),
)  # fmt: skip
"""Every metric, in the order in which it is shown."""
