"""The one list of tools."""

from typing import Any

from bot.tools.ask import Ask
from bot.tools.base import Tool
from bot.tools.files import FilesTool
from bot.tools.finish import Finish
from bot.tools.mail import Mail
from bot.tools.pdf import Pdf
from bot.tools.plan import Plan
from bot.tools.terminal import Terminal

SHELF: dict[str, Tool[Any]] = {
    tool.name: tool for tool in (Terminal(), FilesTool(), Plan(), Pdf(), Mail(), Ask(), Finish())
}
