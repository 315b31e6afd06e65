"""Commands about people: who is known, what they may do, and by which addresses they are known."""

import re
from typing import Annotated

from bot import people, permissions
from bot.actors import Role
from bot.commands.optional import meant
from bot.commands.registry import Arguments, Context, Nothing, Word, command, mistake
from bot.commands.words import PersonRef
from bot.errors import Refused, UserMistake
from bot.replies import Reply
from storage import people as rows

_CODE = re.compile(r"\d{6}", re.ASCII)


class Promotion(Arguments):
    """Arguments of `agent people role`."""

    person: Annotated[PersonRef, Word("@PERSON")]
    role: Annotated[Role, Word("admin|member|stakeholder")]


class Link(Arguments):
    """Arguments of `agent people link`: ADDRESS, ADDRESS CODE, or, for admins, @PERSON ADDRESS."""

    person: Annotated[PersonRef, Word("ADDRESS")]
    proof: Annotated[str, Word("CODE")] = ""


@command("agent people list", needs=Role.ADMIN, reads=True)
def list_people(_: Context, __: Nothing) -> Reply:
    """Show everyone who is known, with their role and identities."""
    lines, data = [], []
    for person in rows.everyone():
        role, named = people.role_of(person)
        known_as = [value for _, value in person.identities]
        why = f" by the settings, as {named}" if named else ""
        lines.append(f"- **{person.name}** — {role}{why}: {', '.join(known_as)}")
        data.append(
            {
                "id": person.id,
                "name": person.name,
                "role": role,
                "by_settings": bool(named),
                "known_as": known_as,
            }
        )
    return Reply("\n".join(lines), {"people": data})


@command("agent people role", needs=Role.ADMIN, arguments=Promotion)
def change_role(context: Context, arguments: Promotion) -> Reply:
    """Say what a person may do."""
    person = meant(arguments.person, context.now)
    if person.role == arguments.role:
        raise UserMistake(f"{people.label(person)} has the role {arguments.role} already.")
    people.change_role(person, arguments.role, context.actor, context.now)
    text = f"**{people.label(person)}** has the role {arguments.role} now."
    _, named = people.role_of(person)
    if named and arguments.role != Role.ADMIN:
        text += f" As {named} they stay an admin for as long as LEGWORK_ADMINS names them."
    return Reply(text, {"id": person.id, "name": person.name, "role": arguments.role})


@command("agent people link", needs=Role.STAKEHOLDER, arguments=Link, condition="for yourself")
def link(context: Context, arguments: Link) -> Reply:
    """Be known by one more address: a code is mailed there, and sent back as CODE."""
    address, proof = arguments.person.address, arguments.proof
    if address and not proof:
        people.ask_for_proof(context.actor, address, context.now)
        return Reply(
            f"A code is on its way to {address}. Send it within 15 minutes: "
            f"`agent people link {address} CODE`",
            {"address": address},
        )
    if address and _CODE.fullmatch(proof):
        problem = people.prove(context.actor, address, proof, context.now)
        text = f"You are known by {address} now, and your tasks and mails there are yours here too."
        return mistake(problem) if problem else Reply(text, {"address": address})
    return _vouched(context, arguments)


def _vouched(context: Context, arguments: Link) -> Reply:
    """An admin links an address to a person."""
    try:
        address = people.address(arguments.proof)
    except ValueError as error:
        raise UserMistake(
            "Name your address, and then the code of 6 digits that was mailed there: "
            "`agent people link dana@example.org 123456`"
        ) from error
    if not permissions.may(context.actor, Role.ADMIN):
        raise Refused("Only an admin links somebody's address without a code. Ask one, or link your own.")
    person = meant(arguments.person, context.now)
    people.vouch(person.id, address, context.actor, context.now)
    return Reply(f"**{person.name}** is known by {address} now.", {"id": person.id, "address": address})
