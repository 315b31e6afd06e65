"""A value can never become code: real shells and a real Python say so."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.errors import UserMistake
from bot.models.runbook import blocks
from bot.runbooks import Parameter
from bot.runbooks.filling import check, fill

NASTY = r""" '"`$(){}[]<>|&;!#*?~\=%-^,@:/ab1 """
LINES = st.text(NASTY, max_size=30) | st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30
)
X = {"x": Parameter(name="x")}

# Each place shows its value between marks, whatever stands around it.
SH = """\
Prose: {{x}}
```sh
# it's a comment with {{x}}
show() { for one in "$@"; do printf '<%s>' "$one"; done; }
show {{x}} a{{x}}b "${HOME}"{{x}}'q' $(show {{x}} >/dev/null; echo n)
y={{x}}; show "$y" \\
  {{x}}
cat <<< {{x}}
```
"""


@given(LINES)
@example("'; touch owned; '")
@example("$(touch owned)")
@example("a[$(touch owned)]")
@example("```")
@example("```sh")
@example("\\")
@settings(max_examples=40)
def test_a_shell_sees_one_word(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    """Bash gets the very text in each place, and runs nothing of it."""
    check(SH, X)
    folder = tmp_path_factory.mktemp("shell")
    (block,) = blocks(fill(SH, {"x": value}))
    environment = {"HOME": "h", "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    ended = subprocess.run(
        ["bash", "-c", block.code], cwd=folder, env=environment, capture_output=True, timeout=20, check=True
    )
    assert ended.stderr == b""
    words = [value, f"a{value}b", f"h{value}q", "n", value, value]
    assert ended.stdout.decode() == "".join(f"<{word}>" for word in words) + f"{value}\n"
    assert list(folder.iterdir()) == []


@given(LINES)
@example("'''\"\"\"")
@example("{__import__('os')}")
@example("\\")
@settings(max_examples=20)
def test_python_sees_a_literal(value: str) -> None:
    """Python gets the very text in each place."""
    template = "```python\nimport json\nprint(json.dumps([{{x}}, {{x}} + 'b', len({{x}})]))\n```"
    check(template, X)
    (block,) = blocks(fill(template, {"x": value}))
    ended = subprocess.run(
        [sys.executable, "-I", "-c", block.code], capture_output=True, timeout=20, check=True
    )
    assert json.loads(ended.stdout) == [value, f"{value}b", len(value)]


@given(
    st.lists(st.sampled_from(["{{x}}", "```", "~~~", "sh", "python", "\n", " ", "a", "  "]), max_size=12),
    st.text("`~sh pyton#", max_size=12),
)
def test_no_value_opens_or_closes_a_block(pieces: list[str], value: str) -> None:
    """However text and value are made, the blocks that run are those of the runbook, or it is refused."""
    template = "".join(pieces)
    before = [block.language for block in blocks(template.replace("{{x}}", "placeless"))]
    with contextlib.suppress(UserMistake):
        assert [block.language for block in blocks(fill(template, {"x": value}))] == before


def test_a_value_that_opens_a_block_is_named() -> None:
    """Whoever gave it is told what to leave out."""
    with pytest.raises(UserMistake, match="A value would open or close a block of code"):
        fill("{{x}}\necho no\n```\n", {"x": "```sh"})


# The ways out of quotes that a shell has; each would make a file.
OWNING = (
    "$(>owned)",
    "`>owned`",
    "';>owned;'",
    '";>owned;"',
    "a[$(>owned)]",
    ";>owned;#",
    "\\'\";>owned;#",
)
HARMLESS = " '\"`$(){}[]<>;!#*?\\=%-^,@:ab1\n"  # names no file that is there, and forks nothing


def run(code: str, folder: Path) -> None:
    """Run a script, which may well be none, with no program in reach."""
    subprocess.run(
        ["/bin/bash", "-c", code],
        cwd=folder,
        env={"PATH": "/nowhere"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize(
    ("before", "after"), [('"', '"'), (": $(( ", " ))"), (": $", ""), (": \\", ""), ("[[ ", " -eq 1 ]]")]
)
def test_the_ways_out_are_real(tmp_path: Path, before: str, after: str) -> None:
    """Where a place is refused, one of these values would make a file: the test after this can fail."""
    template = f"```sh\n{before}{{{{x}}}}{after}\n```"
    with pytest.raises(ValueError, match="stands inside quotes"):
        check(template, X)
    for value in OWNING:
        (block,) = blocks(fill(template, {"x": value}))
        run(block.code, tmp_path)
    assert (tmp_path / "owned").exists()


@given(st.text(HARMLESS, max_size=25), st.text(HARMLESS, max_size=8))
@example('"$(echo "', '")"')
@example("a[", "]=1")
@example("cat <<E\n", "\nE")
@example("(:)#' ", "'")
@example("${a:", "}")
@settings(max_examples=150)
def test_no_shell_is_fooled_where_a_place_is_allowed(
    tmp_path_factory: pytest.TempPathFactory, before: str, after: str
) -> None:
    """Whatever script a place stands in: if it is allowed there, nothing of the value is run."""
    template = f"```sh\n{before}{{{{x}}}}{after}\n```"
    try:
        check(template, X)
    except ValueError:
        return
    folder = tmp_path_factory.mktemp("fooled")
    for value in OWNING:
        with contextlib.suppress(UserMistake):
            for block in blocks(fill(template, {"x": value})):
                run(block.code, folder)
    assert not (folder / "owned").exists()


PLACES = {
    "echo {{x}}": True,
    "x={{x}}\ncat <<E\n$x $((1))\nE": True,
    "echo $(echo {{x}})": True,
    'for f in {{x}}/*; do echo "$f"; done': True,
    'echo "{{x}}"': False,
    "echo '{{x}}'": False,
    "echo `echo {{x}}`": False,
    "cat <<E\n{{x}}\nE": False,
    "echo $(( {{x}} ))": False,
    "(( {{x}} ))": False,
    "[[ {{x}} -eq 1 ]]": False,
    "echo $'{{x}}'": False,
    "echo ${{x}}": False,
    "echo ${y:{{x}}}": False,
    "echo \\{{x}}": False,
    "y[{{x}}]=1": False,
}


@pytest.mark.parametrize(("code", "allowed"), PLACES.items())
def test_where_a_text_may_stand(code: str, allowed: bool) -> None:  # noqa: FBT001  a table
    """Where a word can stand by itself; what is involved takes a variable. A number may stand anywhere."""
    template = f"```sh\n{code}\n```"
    check(template, {"x": Parameter(name="x", type="integer")})
    if allowed:
        check(template, X)
    else:
        with pytest.raises(ValueError, match=r"Begin the block with x=\{\{x\}\}"):
            check(template, X)


@pytest.mark.parametrize("code", ["'{{x}}'", "f'{ {{x}} }'", "b{{x}}", "1) # ({{x}}", '"""\n{{x}}\n"""'])
def test_python_strings_hold_no_place(code: str) -> None:
    """A literal stands by itself: no parameter of any type may stand in a string."""
    for kind in ("text", "integer"):
        with pytest.raises(ValueError, match="stands inside a string or a name"):
            check(f"```python\nprint({code})\n```", {"x": Parameter(name="x", type=kind)})


def test_a_value_is_not_looked_at_again() -> None:
    """A value that looks like a place, or like the mark that stands for one, stays as it is."""
    filled = fill("{{a}} {{b}} Place0E", {"a": "{{b}} Place1E Placex1E", "b": "two"})
    assert filled == "{{b}} Place1E Placex1E two Place0E"
