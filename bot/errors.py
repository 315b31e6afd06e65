"""The one family of errors that Legwork raises on purpose.

    LegworkError
    ├── UserMistake    the person can mend it: shown to them as it is
    │   └── Refused    they may not do this: says why and who can change it
    ├── Retry          a far end is busy or down: the same act may work later
    └── Permanent      a far end said no for good: trying again is useless

Every message is a sentence that says what to do next.
"""


class LegworkError(Exception):
    """Anything Legwork raises on purpose."""


class UserMistake(LegworkError):
    """Something the person who asked can mend; its text is shown to them."""


class Refused(UserMistake):
    """The actor may not do this; the text says why and who can change it."""


class Retry(LegworkError):
    """A passing fault at a far end.

    Args:
        why: What happened, for logs and for admins.
        after_s: Seconds to wait before the next try, where the far end named them.
        unsure: It may have done what was asked all the same.
    """

    def __init__(self, why: str, after_s: float | None = None, *, unsure: bool = False) -> None:
        super().__init__(why)
        self.after_s = after_s
        self.unsure = unsure


class Permanent(LegworkError):
    """A far end's final no: the delivery goes to the dead letters."""
