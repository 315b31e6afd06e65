"""Runbooks as the configuration declares them."""

import json
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.errors import UserMistake
from bot.runbooks.filling import check, fill
from bot.runbooks.parameters import Parameter
from storage.tables import Runbooks


class Runbook(BaseModel):
    """A task that is written once.

    Attributes:
        name: What people call it.
        about: One line for help.
        agent: Who follows it, without the @.
        text: What to do; `{{name}}` stands for a parameter.
        parameters: What it takes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    about: str
    agent: str
    text: str
    parameters: tuple[Parameter, ...] = ()

    @model_validator(mode="after")
    def _holds_together(self) -> "Runbook":
        by_name = {parameter.name: parameter for parameter in self.parameters}
        if len(by_name) < len(self.parameters):
            raise ValueError("two of its parameters have one name")
        check(self.text, by_name)
        return self

    @property
    def usage(self) -> str:
        """How to run it: `agent run disk-report path=TEXT [depth=2]`."""
        return " ".join(["agent run", self.name, *(parameter.usage for parameter in self.parameters)])

    def filled(self, given: Mapping[str, str]) -> str:
        """The task's text with these values, and defaults for what is not given.

        Raises:
            UserMistake: One is missing, unknown or cannot be used; the usage follows.
        """
        usage = f"Usage: `{self.usage}`"
        known = [parameter.name for parameter in self.parameters]
        for name in given:
            if name not in known:
                takes = f"takes {', '.join(known)}, and no" if known else "takes no parameters, and so no"
                raise UserMistake(f"{self.name} {takes} {name[:60]}. {usage}")
        values = {}
        for parameter in self.parameters:
            text = given.get(parameter.name, parameter.default)
            if text is None:
                raise UserMistake(f"{parameter.name}= is missing. {usage}")
            try:
                values[parameter.name] = parameter.read(text)
            except ValueError as error:
                raise UserMistake(f"{parameter.name}= cannot be used: {error}. {usage}") from error
        return fill(self.text, values)


def to_row(runbook: Runbook) -> dict[str, str]:
    """The columns of its row."""
    parameters = [parameter.model_dump(mode="json", by_alias=True) for parameter in runbook.parameters]
    return {
        "name": runbook.name,
        "about": runbook.about,
        "agent": runbook.agent,
        "text": runbook.text,
        "parameters": json.dumps(parameters),
    }


def from_row(row: Runbooks) -> Runbook:
    """The runbook of a row."""
    columns = {"name": row.name, "about": row.about, "agent": row.agent, "text": row.text}
    return Runbook.model_validate({**columns, "parameters": json.loads(row.parameters)})
