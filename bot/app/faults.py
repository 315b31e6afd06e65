"""What the machine or the database refuses, as people are told it."""

from peewee import DatabaseError

FAULTS = (OSError, DatabaseError)

_MENDS = {
    "is locked": "Another program holds the database: wait for it, or end it, and try again.",
    "is full": "Make room on its disk, and try again.",
    "No space left": "Make room on that disk, and try again.",
    "not a database": "Move that file away, or name another in LEGWORK_DATABASE_URL.",
    "malformed": "Put a copy of the database back, or name another in LEGWORK_DATABASE_URL.",
    "No such file": "Make the folder, or name another.",
    "denied": "Let this user write there, or name another place.",
    "readonly": "Let this user write there, or name another place.",
}


def told(fault: Exception) -> str:
    """A fault as a sentence, and what to do next as another.

    Args:
        fault: One of `FAULTS`.
    """
    what = str(fault) or type(fault).__name__
    if isinstance(fault, OSError) and fault.filename:
        what = f"{fault.filename}: {fault.strerror}"
    mend = next((mend for sign, mend in _MENDS.items() if sign in what), "Look for more with: legwork doctor")
    return f"{what.rstrip('.')}. {mend}"
