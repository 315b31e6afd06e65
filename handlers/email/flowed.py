"""Text that was wrapped for sending, made whole again (RFC 3676, `format=flowed`)."""

SIGNATURE = "-- "


def unwrapped(text: str, *, delsp: bool) -> str:
    """The paragraphs of a flowed text, each on one line again.

    Args:
        text: As it came.
        delsp: The space at the end of a flowed line is no part of the text.
    """
    done: list[str] = []
    flowing: list[str] = []
    depth_before = 0
    for raw in text.split("\n"):
        line = raw.removesuffix("\r")
        rest = line.lstrip(">")
        depth = len(line) - len(rest)
        rest = rest.removeprefix(" ")  # space-stuffing
        signature = rest == SIGNATURE
        if flowing and (depth != depth_before or signature):
            done.append(_marked(depth_before, flowing))
            flowing = []
        flows = rest.endswith(" ") and not signature
        flowing.append(rest[:-1] if flows and delsp else rest)
        depth_before = depth
        if not flows:
            done.append(_marked(depth, flowing))
            flowing = []
    if flowing:
        done.append(_marked(depth_before, flowing))
    return "\n".join(done)


def _marked(depth: int, pieces: list[str]) -> str:
    words = "".join(pieces)
    return f"{'>' * depth} {words}".rstrip(" ") if depth else words
