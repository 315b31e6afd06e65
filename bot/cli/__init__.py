"""The command line. Heavy parts are imported by the command that needs them."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from bot.errors import LegworkError, UserMistake
from config.settings import BadSettingsError, Settings, load

T = TypeVar("T")
FAILED, USAGE = 1, 2

app = typer.Typer(
    help="Legwork: give tasks to agents from Slack and by email.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
sandbox_app = typer.Typer(help="The sandbox that agents' commands run in.", no_args_is_help=True)
app.add_typer(sandbox_app, name="sandbox")
workspace_app = typer.Typer(help="Files of a workspace, as the tools handle them.", no_args_is_help=True)
app.add_typer(workspace_app, name="workspace")
policy_app = typer.Typer(help="What agents may do with their tools.", no_args_is_help=True)
app.add_typer(policy_app, name="policy")
token_app = typer.Typer(help="Tokens for the REST API.", no_args_is_help=True)
app.add_typer(token_app, name="token")

Workspace = Annotated[Path, typer.Option(help="The directory.")]
InWorkspace = Annotated[str, typer.Argument(metavar="PATH", help="From the workspace's own folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def main() -> None:
    """Run the command line; a mistake is a sentence on standard error."""
    try:
        app()
    except (LegworkError, BadSettingsError) as error:
        _fail(str(error), FAILED)
    except Exception as error:
        from bot.app.faults import FAULTS, told

        if not isinstance(error, FAULTS):
            raise
        _fail(told(error), FAILED)


def _fail(why: str, code: int) -> NoReturn:
    typer.echo(why, err=True)
    raise SystemExit(code)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run on a loop of its own; Ctrl-C ends it in order."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _settings(level: str = "info") -> Settings:
    from bot.app.logs import log_to_stderr

    settings = load()
    log_to_stderr(settings.log_format, level)
    return settings


@app.command()
def serve() -> None:
    """Run everything in one process."""
    from bot.cli.serve import serve as run

    _run(run(_settings(), web=True, mail=True, work=True))


@app.command()
def web() -> None:
    """Run the web side: Slack's requests, by HTTP or Socket Mode, and health checks."""
    from bot.cli.serve import serve as run

    _run(run(_settings(), web=True))


@app.command()
def mail() -> None:
    """Run the mail side: takes letters and reads them."""
    from bot.cli.serve import serve as run

    _run(run(_settings(), mail=True))


@app.command()
def worker() -> None:
    """Run the working side: claims tasks, runs them, delivers results."""
    from bot.cli.serve import serve as run

    _run(run(_settings(), work=True))


@app.command()
def do(
    text: Annotated[str, typer.Argument(help='A command of the grammar: "agent list"')],
    *,
    as_: Annotated[str, typer.Option("--as", metavar="ADDRESS", help="Act as this person.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Follow the task until it ends.")] = False,
    as_json: Json = False,
) -> None:
    """Run one command, as a local admin."""
    from bot.cli.do import do as run

    raise SystemExit(_run(run(_settings("warning"), text, as_address=as_, wait=wait, as_json=as_json)))


@app.command()
def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End when the sample task has.")] = False,
    home: Annotated[Path | None, typer.Option(help="Data folder; a new one unless told.")] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port of the page; a free one unless told.")
    ] = 0,
) -> None:
    """Start the practice room with the bot in it, and run a sample task."""
    from bot.app.logs import log_to_stderr
    from bot.cli.demo import demo as run

    log_to_stderr("text", "warning")
    raise SystemExit(_run(run(home, port, once=once)))


@app.command()
def doctor(*, as_json: Json = False) -> None:
    """Check what Legwork needs, and say what to do about what is missing."""
    from bot.cli.doctor import examine

    checks = _run(examine(_settings("critical")))
    if as_json:
        typer.echo(json.dumps([check.to_json() for check in checks], indent=2))
    else:
        for check in checks:
            typer.echo(check.line())
    raise SystemExit(FAILED if any(check.state == "bad" for check in checks) else 0)


@app.command()
def migrate() -> None:
    """Bring the database up to date, and its policies and runbooks to what the configuration says."""
    from bot.app.house import opened

    async def run(settings: Settings) -> None:
        async with opened(settings, configure=True):
            typer.echo("The database is up to date.")

    _run(run(_settings("warning")))


@sandbox_app.command("run", context_settings={"allow_interspersed_args": False})
def sandbox_run(
    command: Annotated[list[str], typer.Argument(metavar="-- CMD…", help="The command and its arguments.")],
    *,
    workspace: Annotated[Path, typer.Option(help="The directory that it may write.")],
    timeout: Annotated[float, typer.Option(min=0.01, help="Seconds it may take.")] = 120,
    memory: Annotated[int, typer.Option(min=1, help="MB of memory of all its processes.")] = 1024,
    disk: Annotated[int, typer.Option(min=1, help="MB that workspace and scratch may hold.")] = 512,
    allow_host: Annotated[list[str] | None, typer.Option(help="A host that it may reach; many.")] = None,
    as_json: Json = False,
) -> None:
    """Run one command in the very sandbox that the tools use."""
    from bot.cli.box import run_boxed
    from bot.sandbox.terms import MIB, Limits

    limits = Limits(timeout_s=timeout, memory_bytes=memory * MIB, disk_bytes=disk * MIB)
    outcome = _run(run_boxed(_settings("warning"), command, workspace, limits, allow_host or []))
    if as_json:
        typer.echo(json.dumps(outcome.to_json()))
    else:
        sys.stdout.write(outcome.stdout)
        sys.stderr.write(outcome.stderr)
        if outcome.ended_by:
            _fail(f"Ended by the limit: {outcome.ended_by}.", FAILED)
    raise SystemExit(FAILED if outcome.ended_by or outcome.exit_code is None else outcome.exit_code % 256)


@workspace_app.command("read")
def workspace_read(path: InWorkspace, *, workspace: Workspace) -> None:
    """Print a file."""
    from bot.cli.workspace import read

    read(_settings("warning"), workspace, path)


@workspace_app.command("write")
def workspace_write(path: InWorkspace, *, workspace: Workspace) -> None:
    """Write standard input into a file."""
    from bot.cli.workspace import write

    write(_settings("warning"), workspace, path)


@workspace_app.command("list")
def workspace_list(path: InWorkspace = ".", *, workspace: Workspace, as_json: Json = False) -> None:
    """List a folder."""
    from bot.cli.workspace import list_folder

    list_folder(_settings("warning"), workspace, path, as_json=as_json)


@workspace_app.command("unpack")
def workspace_unpack(
    archive: Annotated[str, typer.Argument(help="In the workspace, or elsewhere by its absolute path.")],
    *,
    workspace: Workspace,
    as_json: Json = False,
) -> None:
    """Unpack a tar or a zip into a new folder of inbox/, as attachments are."""
    from bot.cli.workspace import unpack_archive

    _run(unpack_archive(_settings("warning"), workspace, archive, as_json=as_json))


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="Which one; all unless told.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Measure, each figure beside its floor or peer in the same run."""
    from bot.cli.bench import chosen, measure

    try:
        files = chosen(name)
    except UserMistake as error:
        _fail(str(error), USAGE)
    for row in measure(files):
        typer.echo(json.dumps(row.data) if as_json else row.line())


@policy_app.command("explain", context_settings={"ignore_unknown_options": True})
def policy_explain(
    agent: Annotated[str, typer.Argument(help="The agent.")],
    tool: Annotated[str, typer.Argument(help="The tool.")],
    call: Annotated[str, typer.Argument(help="The call: JSON, or in plain words.")],
    *,
    as_json: Json = False,
) -> None:
    """Show what would happen to a call, and the rule that decides."""
    from bot.cli.policy import explain

    raise SystemExit(_run(explain(_settings("warning"), agent, tool, call, as_json=as_json)))


@token_app.command("create")
def token_create(
    email: Annotated[str, typer.Option(metavar="ADDRESS", help="Whom it stands for.")],
    role: Annotated[str, typer.Option(help="The most it may do: stakeholder, member or admin.")],
    ttl: Annotated[str, typer.Option(help="How long it holds: 12h, 30d.")] = "30d",
) -> None:
    """Print a token for the REST API."""
    from bot.cli.token import create

    raise SystemExit(_run(create(_settings("warning"), email, role, ttl)))


@app.command()
def letter(
    files: Annotated[list[str] | None, typer.Argument(help="Letters; - is standard input.")] = None,
    *,
    bodies: Annotated[
        bool, typer.Option("--bodies", help='Read JSON lines {"id", "text"}: bodies alone.')
    ] = False,
    as_json: Json = False,
) -> None:
    """Show how a letter is read: the reply, what was cut off, what it is."""
    from bot.cli.letter import letter as read

    raise SystemExit(read(files or [], as_json=as_json, bodies=bodies))
