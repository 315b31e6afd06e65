"""What a task's programs asked of the network: a table."""

from bot.reports import phrases
from bot.reports.flow import SMALL, Column, heading, table
from bot.reports.report import Report
from bot.reports.sheet import Sheet


def network(sheet: Sheet, report: Report) -> None:
    """Draw it.

    Args:
        sheet: Where it is drawn.
        report: Its texts are shown ones; a host was asked for in it.
    """
    heading(sheet, "Network", keep=60)
    first, outcome, *figures = phrases.REACHED
    columns = [Column(first, 0, SMALL), Column(outcome, 80, SMALL)]
    columns += [Column(name, 80, SMALL, to_right=True) for name in figures]
    table(sheet, columns, phrases.reached(report))
