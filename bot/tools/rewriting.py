"""Changing texts of a workspace: exact replacements, and patches that hold as a whole."""

from dataclasses import dataclass

from bot.errors import UserMistake
from bot.reports.humane import counted
from bot.workspaces import Change, Files
from bot.workspaces.patches import apply, parse

TEXT_BYTES = 4 << 20
_BOM = "\ufeff"
_PLACES_NAMED = 5


@dataclass(frozen=True, slots=True)
class Text:
    r"""A text with `\n` for its line ends, and what it takes to write it as it was."""

    body: str
    crlf: bool = False
    marked: bool = False

    @classmethod
    def decoded(cls, path: str, content: bytes) -> "Text":
        """Read a file's bytes.

        Raises:
            UserMistake: They are no UTF-8.
        """
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise UserMistake(
                f"{path} is no UTF-8 text. Change it in the terminal, with a program that knows it."
            ) from error
        marked = text.startswith(_BOM)
        text = text.removeprefix(_BOM)
        crlf = "\r\n" in text and text.count("\r\n") == text.count("\n")
        return cls(text.replace("\r\n", "\n") if crlf else text, crlf, marked)

    def encoded(self, body: str) -> bytes:
        """Another text as a file of the same kind."""
        if self.crlf:
            body = body.replace("\r\n", "\n").replace("\n", "\r\n")
        return ((_BOM if self.marked else "") + body).encode()


def text_of(files: Files, path: str) -> Text:
    """A file of a workspace as text.

    Raises:
        UserMistake: It is none, or too large.
    """
    content, in_all = files.read(path, TEXT_BYTES)
    if in_all > TEXT_BYTES:
        raise UserMistake(f"{path} is larger than {TEXT_BYTES >> 20} MiB. Change it in the terminal.")
    return Text.decoded(path, content)


def edited(files: Files, path: str, old: str, new: str, *, everywhere: bool) -> str:
    """Replace a text in a file; what was done.

    Args:
        files: Of the workspace.
        path: The file.
        old: What has to stand there once, or anywhere.
        new: What takes its place.
        everywhere: Wherever it stands.

    Raises:
        UserMistake: It does not stand there, or more than once.
    """
    text = text_of(files, path)
    if text.crlf:
        old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
    found = text.body.count(old)
    if not found:
        near = " It does with other spaces or line ends." if _squeezed(old) in _squeezed(text.body) else ""
        raise UserMistake(
            f"The text that shall be replaced does not stand in {path}.{near} "
            "Nothing was changed. Read the file, and give the text exactly as it stands there."
        )
    if found > 1 and not everywhere:
        raise UserMistake(
            f"The text that shall be replaced stands in {path} {found:,} times, at {_lines(text.body, old)}. "
            "Nothing was changed. Give it with more lines around it, or set `all`."
        )
    where = _lines(text.body, old)
    files.write(path, text.encoded(text.body.replace(old, new)))
    return f"Changed {path} in {counted(found, 'place')}, at {where}."


def patched(files: Files, patch: str) -> str:
    """Apply a patch, all of it; what was done.

    Raises:
        UserMistake: Some of it cannot be applied; nothing was changed.
    """
    texts: dict[str, Text] = {}
    bodies: dict[str, str | None] = {}
    for section in parse(patch):
        if not section.old:
            if bodies.get(section.new) is not None or _is_there(files, section.new, bodies):
                raise UserMistake(
                    f"{section.new} is there already, and the patch makes it anew. Nothing was changed."
                )
            texts[section.new], before = Text(""), ""
        else:
            if section.old not in bodies:
                texts[section.old] = text_of(files, section.old)
                bodies[section.old] = texts[section.old].body
            held = bodies[section.old]
            if held is None:
                raise UserMistake(f"The patch changes {section.old} after it is gone. Nothing was changed.")
            before = held
        after = apply(section, before)
        if section.new != section.old and section.old:
            bodies[section.old] = None
        if section.new:
            texts.setdefault(section.new, texts.get(section.old, Text("")))
            bodies[section.new] = after
        elif after:
            raise UserMistake(
                f"The patch deletes {section.old}, but not all of its lines. Nothing was changed."
            )
    files.change(
        [Change(path, None if body is None else texts[path].encoded(body)) for path, body in bodies.items()]
    )
    return "\n".join(f"{'Deleted' if body is None else 'Wrote'} {path}." for path, body in bodies.items())


def _is_there(files: Files, path: str, bodies: dict[str, str | None]) -> bool:
    if path in bodies:
        return False
    try:
        with files.opened(path):
            return True
    except UserMistake:
        return False


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _lines(body: str, old: str) -> str:
    """The first lines where a text stands: `lines 3, 8 and more`."""
    places: list[int] = []
    at = body.find(old)
    while at >= 0 and len(places) <= _PLACES_NAMED:
        places.append(body.count("\n", 0, at) + 1)
        at = body.find(old, at + len(old))
    named = ", ".join(f"{place:,}" for place in places[:_PLACES_NAMED])
    return f"line{'s' if places[1:] else ''} {named}{' and more' if places[_PLACES_NAMED:] else ''}"
