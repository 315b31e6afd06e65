"""`legwork bench`: run what lies in `bench/` beside the packages, and show its rows."""

import importlib.util
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.errors import UserMistake

FOLDER = Path(__file__).parents[2] / "bench"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure with its floor or peer from the same run."""

    data: dict[str, Any]

    def line(self) -> str:
        """For people."""
        row = self.data
        line = f"{row['name']}: {row['value']:.3g} {row['unit']}"
        if row.get("ratio") is not None:
            line += f", {row['ratio']:.3g} times {row['peer']}"
        if row.get("goal") is not None:
            line += f" (goal: at most {row['goal']:g} times)"
        return line


def chosen(name: str) -> list[Path]:
    """The file of one benchmark, or those of all if there is no name.

    Raises:
        UserMistake: There is none of this name.
    """
    known = {path.stem: path for path in sorted(FOLDER.glob("[!_]*.py"))}
    if name and name not in known:
        raise UserMistake(f"There is no benchmark {name}. There is: {', '.join(known) or 'none here'}.")
    return [known[name]] if name else list(known.values())


def measure(files: Iterable[Path]) -> Iterator[Row]:
    """The rows of benchmarks."""
    sys.path.append(str(FOLDER))  # what begins with an underscore is shared by benchmarks
    for path in files:
        spec = importlib.util.spec_from_file_location(f"bench_{path.stem}", path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield from (Row(row) for row in module.rows())
