"""Traps that a task lays in its workspace for whoever works there next: nothing of the bot steps in one."""

import asyncio
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox import Limits, Sandbox, SandboxUnavailable, interpreter, owner_for_this_process
from bot.sandbox.availability import find_bwrap
from bot.workspaces import Files
from tests.fakes.escapes import attempts, name_of
from tests.fakes.team import Team
from tests.fakes.terminal import Legwork

CORPUS = attempts("host")
REPOSITORY = "git init -q g; cd g; echo a>a; git add a; git -c user.name=x -c user.email=x@x commit -qm a"
CONFIG = f"{REPOSITORY}; git config"
HOOK = "#!/bin/sh\\ntouch @MARK@\\n"
TRAP = "import os; os.system('touch @MARK@')"


def neighbour(name: str, run: str, host_cmd: str) -> dict[str, Any]:
    """An attempt of our own, in the corpus's form."""
    return {"id": name, "run": run, "host_cmd": host_cmd}


NEIGHBOURS = [
    neighbour(
        "git-filter",
        f"{CONFIG} filter.x.clean 'touch @MARK@; cat'; echo '* filter=x' > .gitattributes; echo b>a",
        "git -C @WS@/g add a",
    ),
    neighbour(
        "git-textconv",
        f"{CONFIG} diff.x.textconv 'touch @MARK@; cat'; echo '* diff=x' > .gitattributes; echo b>a",
        "git -C @WS@/g diff",
    ),
    neighbour("git-alias", f"{CONFIG} alias.st '!touch @MARK@'", "git -C @WS@/g st"),
    neighbour(
        "git-editor",
        f"{CONFIG} core.editor 'touch @MARK@; true'",
        "git -C @WS@/g -c user.name=x -c user.email=x@x commit --allow-empty",
    ),
    neighbour(
        "git-include",
        f"{CONFIG} include.path ../../more; printf '[core]\\n\\tfsmonitor = touch @MARK@\\n' > ../more",
        "git -C @WS@/g status -s",
    ),
    neighbour(
        "git-hooks-path",
        f"{CONFIG} core.hooksPath h; mkdir h; printf '{HOOK}' > h/post-checkout; chmod +x h/post-checkout",
        "git -C @WS@/g checkout -q -b other",
    ),
    neighbour(
        "git-submodule",
        f"{REPOSITORY}; git clone -q . sub; git -C sub config core.fsmonitor 'touch @MARK@'; git add sub",
        "git -C @WS@/g status -s",
    ),
    neighbour(
        "git-above",
        "git init -q .; git config core.fsmonitor 'touch @MARK@'; echo a>a; git add a; mkdir -p deep/er",
        "git -C @WS@/deep/er status -s",
    ),
    neighbour(
        "envrc", "echo 'touch @MARK@' | tee .envrc .bash_profile .profile .bashrc", "HOME=@WS@ bash -lc true"
    ),
    neighbour("makefile", "printf 'all:\\n\\ttouch @MARK@\\n' > Makefile", "make -C @WS@"),
    neighbour(
        "setup",
        f'echo "{TRAP}" > setup.py; touch setup.cfg',
        "cd @WS@ && /usr/bin/python3 setup.py --version",
    ),
    neighbour(
        "sitecustomize",
        f'echo "{TRAP}" | tee sitecustomize.py usercustomize.py',
        "PYTHONPATH=@WS@ /usr/bin/python3 -c 1",
    ),
    neighbour(
        "our-own-packages",
        "mkdir bot handlers storage config pydantic typer;"
        f' for p in */; do echo "{TRAP}" | tee $p/__init__.py $p/__main__.py; done',
        "cd @WS@ && /usr/bin/python3 -m bot",
    ),
    neighbour(
        "pycache",
        f'echo "{TRAP}" > m.py && python3 -c "import py_compile as c; c.compile(\'m.py\', invalidation_mode='
        'c.PycInvalidationMode.UNCHECKED_HASH)" && echo pass > m.py',
        "cd @WS@ && /usr/bin/python3 -c 'import m'",
    ),
]
AT_THE_TOP = {
    "sitecustomize-cwd",
    "git-above",
    "envrc",
    "makefile",
    "setup",
    "sitecustomize",
    "our-own-packages",
}


@pytest.fixture
def marks(home: Path) -> Path:
    """Where every trap leaves its mark: no sandbox sees it, and everybody outside may write there."""
    path = home / "marks"
    path.mkdir()
    path.chmod(0o777)
    return path


def filled(attempt: dict[str, Any], what: str, workspace: Path, marks: Path) -> str:
    """A command of an attempt, with names for its placeholders; the corpus names a version of Python, too."""
    version = "import sys; print('python%d.%d' % sys.version_info[:2])"
    python = subprocess.check_output([interpreter(), "-c", version], text=True).strip()
    command = str(attempt[what]).replace("@WS@", str(workspace)).replace("@MARK@", str(marks / attempt["id"]))
    return command.replace("python3.11", python)


@pytest.mark.parametrize("attempt", [*CORPUS, *NEIGHBOURS], ids=name_of)
async def test_outside_the_trap_works(attempt: dict[str, Any], home: Path, marks: Path) -> None:
    """Laid inside it leaves no mark; who steps in it outside leaves one: the test below would notice."""
    workspace = home / "ws"
    workspace.mkdir()
    owner = owner_for_this_process()
    if owner:
        os.chown(workspace, owner.uid, owner.gid)
    try:
        find_bwrap(None, owner)
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))
    laid = await Sandbox(home / "scratch", owner).run(
        ["bash", "-c", filled(attempt, "run", workspace, marks)], workspace=workspace
    )
    assert list(marks.iterdir()) == [], laid
    stepping = await asyncio.create_subprocess_exec(
        *("bash", "-c", filled(attempt, "host_cmd", workspace, marks)),
        user=owner.uid if owner else None,
        group=owner.gid if owner else None,
        extra_groups=[] if owner else None,
        env={"PATH": os.environ["PATH"]},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    await stepping.wait()
    assert [mark.name for mark in marks.iterdir()] == [attempt["id"]], laid


async def test_nothing_of_the_bot_steps_in_a_trap(team: Team, home: Path, marks: Path) -> None:
    """A task lays all of them; thread, mail and report are made, and others work with what it left."""
    workspace = team.house.workspaces.path("trapped")
    attempts_there = [*CORPUS, *NEIGHBOURS]
    laid = [
        f"mkdir {one['id']} && cd {one['id']}\n{filled(one, 'run', workspace, marks)}"
        for one in attempts_there
    ] + [filled(one, "run", workspace, marks) for one in attempts_there if one["id"] in AT_THE_TOP]
    steps = "\n".join(f"```sh\n({step}) 2>&1; true\n```" for step in laid)
    await team.does(f"agent assign @coder --in trapped --notify dana@example.org Lay traps\n{steps}")
    await team.settled("done")
    await team.room.wait_for(lambda: list(team.room.mailbox.letters), 60)

    await team.does(
        "agent assign @coder --in trapped Look around\n```sh\nls -a; git status; cat Makefile\n```"
    )
    await team.settled("done", "T-2")
    for command in ("task show T-1", "task files T-1", "task report T-1", "agent workspaces show trapped"):
        assert (await team.does(command)).ok, command
    files = Files(workspace, team.house.owner, Limits())
    found = [entry for entry in files.below() if entry.kind == "file"]
    assert {"Makefile", "sitecustomize.py", "setup/setup.py", "git-filter/g/.gitattributes"} <= {
        entry.path for entry in found
    }
    for entry in found:
        files.read(entry.path, 1000)
    files.write("git-filter/g/a", b"changed")
    legwork = Legwork(home / "another")
    for words in (("list", "."), ("read", "Makefile"), ("unpack", str(packed(home)))):
        ended = await legwork("workspace", words[0], "--workspace", str(workspace), *words[1:])
        assert (ended.code, ended.err) == (0, ""), words
    assert [mark.name for mark in marks.iterdir()] == []


def packed(folder: Path) -> Path:
    """An archive that somebody sent."""
    path = folder / "sent.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("a/b"))
    return path
