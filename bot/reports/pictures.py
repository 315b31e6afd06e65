"""Pictures that an agent made, turned into plain pixels where a broken decoder can do little harm.

A picture may be made to break the program that reads it. So it is read in a process that was forked for it
alone: with little memory and time, no right to write files, and where the bot is root, as nobody. What comes
back are counted bytes, which nothing interprets.
"""

import io
import os
import resource
import signal
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

from bot.errors import UserMistake

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
MOST_PIXELS = 40_000_000
LARGEST_SIDE = 2000  # pixels of a side, as they go into a PDF
SECONDS = 20
_MEMORY = 1 << 30
_NOBODY = 65_534
_HEAD = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as pixels: three bytes each, red, green and blue, row by row."""

    width: int
    height: int
    pixels: bytes


def decoded(pictures: Mapping[str, bytes]) -> dict[str, Picture]:
    """Read pictures. Only for a process with one thread: each is read in a fork of it.

    Args:
        pictures: Files by their names.

    Raises:
        UserMistake: One of them is no picture that can be read.
    """
    Image.init()  # the decoders are loaded before the rights are given up
    return {name: _forked(name, content) for name, content in pictures.items()}


def _forked(name: str, content: bytes) -> Picture:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _decode_and_exit(content, writing)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123 - a descriptor
        answer = pipe.read(_HEAD.size + 3 * LARGEST_SIDE**2 + 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if len(answer) >= _HEAD.size:
        width, height = _HEAD.unpack_from(answer)
        pixels = answer[_HEAD.size :]
        if 0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE and len(pixels) == 3 * width * height:
            return Picture(width, height, pixels)
    raise UserMistake(
        f"{name} is no picture that can be shown. "
        f"Make a PNG or JPEG of at most {MOST_PIXELS // 10**6} megapixels."
    )


def _decode_and_exit(content: bytes, writing: int) -> None:
    """What the fork does; whatever goes wrong, it answers nothing."""
    try:
        _give_up_rights()
        Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2  # beyond twice as many Pillow refuses
        with Image.open(io.BytesIO(content), formats=FORMATS) as file:
            file.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
            seen = file.convert("RGBA")
        paper = Image.new("RGB", seen.size, "white")
        paper.paste(seen, mask=seen.getchannel("A"))
        answer = _HEAD.pack(*paper.size) + paper.tobytes()
        with open(writing, "wb") as pipe:
            pipe.write(answer)
    finally:
        os._exit(0)


def _give_up_rights() -> None:
    """As little as decoding takes."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
