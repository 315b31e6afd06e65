"""What goes wrong at a provider, as ours: what may pass, what stays, and what a person can do about it.

Both SDKs come from one generator and fail alike (https://github.com/openai/openai-python#handling-errors,
https://github.com/anthropics/anthropic-sdk-python#handling-errors).
"""

import contextlib
import email.utils
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from bot.errors import LegworkError, Permanent, Retry
from bot.events import Usage
from bot.models.base import WastedError

_TOO_LONG = re.compile(
    r"(?i)context.{0,20}(length|window|size)|maximum.{0,10}context|prompt is too long|too many.{0,20}tokens"
)
_NO_CREDIT = re.compile(r"(?i)insufficient_quota|credit balance|billing|exceeded your current quota")
_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)
_SHOWN = 300
PASSING = {408, 409, 425, 429}
BAD_REQUEST, SERVER_FAULT = 400, 500


@contextlib.contextmanager
def failures_as_ours(sdk: Any, name: str, used: Callable[[], Usage]) -> Iterator[None]:
    """Whatever the SDK raises inside is raised as `Retry` or `Permanent`, with a sentence.

    Args:
        sdk: The module, `openai` or `anthropic`.
        name: The model, as `provider:model`.
        used: What the provider has counted so far.
    """
    try:
        with _translated(sdk, name):
            yield
    except Retry as error:
        usage = used()
        if not (usage.read or usage.written):
            raise
        raise WastedError(error, usage) from error


@contextlib.contextmanager
def _translated(sdk: Any, name: str) -> Iterator[None]:
    import httpx2

    try:
        yield
    except LegworkError:
        raise
    except sdk.APIStatusError as error:
        raise _of_status(error, name) from error
    except (sdk.APITimeoutError, httpx2.TimeoutException) as error:
        raise Retry("it did not answer in time") from error
    except (sdk.APIConnectionError, httpx2.RequestError) as error:
        raise Retry(f"it cannot be reached ({_short(error.__cause__ or error)})") from error
    except sdk.APIError as error:  # in the middle of a stream
        raise _of_text(f"{error.message} {getattr(error, 'body', '')}") from error
    # All that garbage leads to, in the SDK's parser too.
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError) as error:
        raise Retry("what it sent cannot be read") from error


def _of_status(error: Any, name: str) -> LegworkError:
    status, said = int(error.status_code), _short(error.message)
    body = f"{error.message} {getattr(error, 'body', '')}"
    if status < BAD_REQUEST:  # an answer had begun when it went wrong
        return _of_text(body)
    provider, _, model = name.partition(":")
    key = f"{provider.upper()}_API_KEY"
    known = {
        401: f"it refused the key: an admin can mend {key}.",
        402: "there is no credit left at the provider: an admin can add some.",
        403: f"the key may not use it ({said}). An admin can mend {key}, or name another model.",
        404: f"there is no model {model} at {error.request.url.host}: an admin can name another in "
        "LEGWORK_MODEL.",
        413: _too_long(),
    }
    if status == 429 and _NO_CREDIT.search(body):  # noqa: PLR2004  as in the table above
        return Permanent(known[402])
    if status in PASSING or status >= SERVER_FAULT:
        return Retry(f"it answered {status} ({said})", after(error.response.headers))
    if status in known:
        return Permanent(known[status])
    if _TOO_LONG.search(body):
        return Permanent(_too_long())
    return Permanent(f"it did not take the request, and answered {status} ({said}).")


def _of_text(said: str) -> LegworkError:
    return Permanent(_too_long()) if _TOO_LONG.search(said) else Retry(f"it broke off ({_short(said)})")


def _too_long() -> str:
    return "the conversation has become longer than it can read. Assign what is left as a new task."


def after(headers: Any, now: float | None = None) -> float | None:
    """Seconds that the server wants to be left alone (RFC 9110, section 10.2.3); None if it says nothing."""
    told = headers.get("retry-after", "")
    if _SECONDS.fullmatch(told):
        return float(told)
    with contextlib.suppress(ValueError, OverflowError):
        then = email.utils.parsedate_to_datetime(told).timestamp()
        return max(then - (time.time() if now is None else now), 0.0)
    return None


def _short(said: object) -> str:
    text = " ".join(str(said).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
