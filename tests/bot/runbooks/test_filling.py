"""A value can never become code: real shells and a real Python say so."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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


# What evaluates the text of a variable, or of the very place: each would make a file with one of the values.
EVALUATING = (
    "(( x > 3 ))",
    "for ((; x < 1;)); do break; done",
    "[[ $x -gt 3 ]]",
    "[[ a =~ [[:alpha:]] &&\n $x -gt 3 ]]",
    "echo $((x + 1))",
    "echo $[x]",
    "echo $(( {{x}} ))",
    "[[ {{x}} -eq 1 ]]",
    "declare -i n; n=$x",
    "typeset -ri n=$x",
    "let n=x",
    'printf -v "$x" y',
    "printf -v {{x}} y",
    'read -r "$x" <<< y',
    "read {{x}} <<< y",
    'read \\\n "$x" <<< y',
    'test -v "$x"',
    '[ ! -v "$x" ]',
    "[[ a && -v $x ]]",
    "echo ${!x}",
    "echo ${x@P}",
    "y=abc; echo ${y:x}",
    "y=abc; echo ${y:0:$x}",
    "echo ${@:x}",
    'declare "$x=1"',
    'f() { local "$x=1"; }; f',
    "declare -n y=$x; echo $y",
    "OPTIND=$x",
    "RANDOM=$x",
    "echo ${y[x]}",
    "y[$x]=1",
    "y=([x]=1)",
    "exec {y[x]}</dev/null",
)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        *((code, "declare it an integer or number") for code in EVALUATING),
        ('echo "{{x}}"', "stands inside quotes"),
        (": ${{x}}", "stands inside quotes"),
        (": \\{{x}}", "stands inside quotes"),
    ],
)
def test_the_ways_out_are_real(tmp_path: Path, code: str, says: str) -> None:
    """What is refused makes a file with one of these values: the test after this can fail."""
    template = f"```sh\nx={{{{x}}}}\n{code}\n```"
    with pytest.raises(ValueError, match=says):
        check(template, X)
    for value in OWNING:
        (block,) = blocks(fill(template, {"x": value}))
        run(block.code, tmp_path)
    assert (tmp_path / "owned").exists()


BESIDE = st.sampled_from(["", *EVALUATING]) | st.text(HARMLESS, max_size=20)


@given(st.text(HARMLESS, max_size=25), st.text(HARMLESS, max_size=8), BESIDE)
@example('"$(echo "', '")"', "")
@example("a[", "]=1", "")
@example("cat <<E\n", "\nE", "")
@example("(:)#' ", "'", "")
@example("${a:", "}", "")
@example("x=", "", "(( x > 3 ))")
@example("x=", "", "(( x >\\\n 3 ))")
@example("x=", "", "[[\t$x\t-gt\t3 ]]")
@settings(max_examples=150)
def test_no_shell_is_fooled_where_a_place_is_allowed(
    tmp_path_factory: pytest.TempPathFactory, before: str, after: str, beside: str
) -> None:
    """Whatever script a place stands in: if it is allowed there, nothing of the value is run."""
    template = f"```sh\n{before}{{{{x}}}}{after}\n{beside}\n```"
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


@pytest.mark.parametrize("code", EVALUATING)
@pytest.mark.parametrize(
    "declared",
    [
        {"type": "integer"},
        {"type": "number"},
        {"type": "choice", "choices": ["a b", "c-1"]},
        {"pattern": r"[A-Za-z0-9_.-]{1,40}|v\d+(\.\d+)?"},
    ],
)
def test_what_holds_no_code_may_be_evaluated(code: str, declared: dict[str, Any]) -> None:
    """A number, or words that are plain, can stand in a variable that is evaluated."""
    code = code.replace("{{x}}", "$x")
    check(f"```sh\nx={{{{x}}}}\n{code}\n```", {"x": Parameter(name="x", **declared)})


@pytest.mark.parametrize(
    "declared",
    [
        {"type": "choice", "choices": ["a", "a[$(>owned)]"]},
        {"pattern": ".*"},
        {"pattern": "[^x]+"},
        {"pattern": "[A-z]+"},
        {"pattern": "[ -~]+"},
        {"pattern": r"\S+"},
        {"pattern": r"[\S]+"},
        {"pattern": r"a\[\x24.+"},
        {"pattern": "[[:graph:]]+"},
    ],
)
def test_a_pattern_must_leave_out_what_runs(declared: dict[str, Any]) -> None:
    """One that lets a bracket, a dollar or a backtick through is no protection."""
    with pytest.raises(ValueError, match="of plain words"):
        check("```sh\nx={{x}}\n(( x ))\n```", {"x": Parameter(name="x", **declared)})


@pytest.mark.parametrize(
    "code",
    [
        'while IFS= read -r line; do echo "$line"; done < "$x"',
        'if [ -d "$x" ] && [ "$(wc -l < "$x")" -gt 3 ]; then grep -v x "$x"; fi',
        '[[ -n $x && $x == *.csv ]] && echo "${x:-none} ${x%.csv} ${x:0:3} ${x: -3}"',
        'export y="$x"; printf -v z %s "$x"; for one in "${y[@]}" file[0-9]; do :; done',
        'let_it=$x; echo "$let_it" "${!y*}" "${y[0]}"',
    ],
)
def test_what_only_looks_so_is_allowed(code: str) -> None:
    """Words stay words: tests of strings and files, names that are fixed, defaults, plain cuts."""
    check(f"```sh\nx={{{{x}}}}\n{code}\n```", X)


PLACES = {
    "echo {{x}}": True,
    "x={{x}}\ncat <<E\n$x\nE": True,
    "echo $(echo {{x}})": True,
    'for f in {{x}}/*; do echo "$f"; done': True,
    'echo "{{x}}"': False,
    "echo '{{x}}'": False,
    "echo `echo {{x}}`": False,
    "cat <<E\n{{x}}\nE": False,
    "echo $'{{x}}'": False,
    "echo ${{x}}": False,
    "echo \\{{x}}": False,
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
