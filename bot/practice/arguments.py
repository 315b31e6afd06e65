"""The arguments of a Web API call, read as Slack reads them."""

import json
from typing import Any

from starlette.requests import Request

from bot.practice.model import ApiError, Json

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_TRUE = (True, "true", "1")


class Arguments:
    """One call's arguments by name; a value from a form is always a string."""

    def __init__(self, values: Json) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str) -> str:
        """A string; empty where it is missing.

        Raises:
            ApiError: `invalid_arguments`, for anything but a string.
        """
        value = self.values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise ApiError("invalid_arguments", [f"must be a string [json-pointer:/{name}]"])
        return value

    def required(self, name: str) -> str:
        """A string that must be there.

        Raises:
            ApiError: `invalid_arguments`.
        """
        if not (value := self.text(name)):
            raise ApiError("invalid_arguments", [f"missing required field: {name}"])
        return value

    def flag(self, name: str) -> bool:
        """Whether a switch is on."""
        return self.values.get(name) in _TRUE

    def number(self, name: str, default: int, *, most: int, error: str = "invalid_arguments") -> int:
        """A whole number from 1 to `most`.

        Raises:
            ApiError: The given error, for anything else.
        """
        value = self.values.get(name)
        if value is None:
            return default
        try:
            number = int(str(value))
        except ValueError:
            number = 0
        if not 1 <= number <= most:
            raise ApiError(error, [f"must be a number from 1 to {most} [json-pointer:/{name}]"])
        return number

    def decoded(self, name: str, error: str) -> Any:
        """A value that a form carries as a JSON string and a JSON body as it is.

        Raises:
            ApiError: The given error, for a string that is no JSON.
        """
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ApiError(error) from None


async def read(request: Request) -> Arguments:
    """Take the arguments out of a request, from its address and its body.

    Raises:
        ApiError: `invalid_json`, `json_not_object`, `invalid_form_data` or `invalid_post_type`.
    """
    values: Json = dict(request.query_params)
    if request.method == "GET":
        return Arguments(values)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        try:
            body = json.loads(await request.body())
        except ValueError:
            raise ApiError("invalid_json") from None
        if not isinstance(body, dict):
            raise ApiError("json_not_object")
        return Arguments(values | body)
    if media_type in _FORMS:
        async with request.form() as form:
            values |= {name: value for name, value in form.items() if isinstance(value, str)}
        return Arguments(values)
    if await request.body():
        raise ApiError("invalid_post_type" if media_type else "missing_post_type")
    return Arguments(values)
