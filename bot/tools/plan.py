"""Say what is going to be done, and how far it is."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bot.events import PlanItem, PlanUpdated
from bot.permissions import Effect
from bot.tools.base import Arguments, Bench, Result

MOST_ITEMS = 50


class Item(Arguments):
    """One part of the plan, in a line.

    Attributes:
        text: What is to be done.
        state: How it stands.
    """

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
    state: Literal["todo", "doing", "done"] = "todo"


class PlanArguments(Arguments):
    """Arguments of `plan`.

    Attributes:
        items: The whole plan as it stands now, in order; it takes the place of the one before.
    """

    items: tuple[Item, ...] = Field(min_length=1, max_length=MOST_ITEMS)


class Plan:
    """Show people the plan: make one when a task takes several steps, and update it as they are done.

    Give the whole plan each time. Have one item `doing`, and set it `done` as soon as it is.
    """

    name = "plan"
    arguments = PlanArguments
    default: Effect = "allow"

    def does(self, args: PlanArguments) -> str:
        """The plan, an item in a line."""
        return "\n".join(["Plan", *(f"[{_MARKS[item.state]}] {item.text}" for item in args.items)])

    def subjects(self, args: PlanArguments) -> tuple[str, ...]:
        """What is to be done."""
        return tuple(item.text for item in args.items)

    def from_text(self, text: str) -> PlanArguments:
        """An item in a line."""
        return PlanArguments(items=tuple(Item(text=line) for line in text.splitlines() if line.strip()))

    def reads(self, args: PlanArguments) -> bool:  # noqa: ARG002  whatever it is about
        """One plan takes the place of the other, in order."""
        return False

    async def run(self, args: PlanArguments, bench: Bench) -> Result:  # noqa: ARG002  it works on nothing
        """Record it."""
        items = tuple(PlanItem(text=" ".join(item.text.split()), state=item.state) for item in args.items)
        done = sum(item.state == "done" for item in items)
        left = len(items) - done
        told = "All of it is done." if not left else f"{done} of {len(items)} done, {left} to go."
        return Result(ok=True, output=told, facts=(PlanUpdated(items=items),))


_MARKS = {"todo": " ", "doing": ">", "done": "x"}
