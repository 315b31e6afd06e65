"""Every line of the corpus has a test that holds it, or the later work that it waits for."""

import ast
from pathlib import Path

import pytest

from tests.fakes.escapes import attempts

TESTS = Path(__file__).parents[2]

# Kinds whose every line is a parameter of one test.
KINDS = {
    "cmd": "bot/sandbox/test_escapes.py::test_an_escape_attempt_fails_inside",
    "filetool": "bot/sandbox/test_escapes_filetool.py::test_a_call_of_the_corpus_stays_inside",
    "host": "journeys/test_escapes_host.py::test_nothing_of_the_bot_steps_in_a_trap",
}
LINES = {
    "tar-traversal": ("bot/workspaces/test_unpacking.py::test_what_no_honest_program_packs_is_refused",),
    "zip-bomb": ("bot/workspaces/test_unpacking.py::test_a_bomb_is_refused",),
    "slack-sig-tamper": ("handlers/slack/test_listeners.py::test_a_changed_body_is_refused",),
    "slack-ts-old": ("handlers/slack/test_listeners.py::test_an_old_signature_is_refused",),
    "slack-button-role": (
        "handlers/slack/test_buttons.py::test_a_bystanders_press_decides_nothing",
        "handlers/slack/test_buttons.py::test_a_garbled_press_does_nothing",
        "handlers/slack/test_decisions.py::test_a_press_on_a_closed_question_answers_nothing",
        "bot/work/test_approvals.py::test_who_asked_may_not_approve_what_an_admin_wants_asked",
    ),
    "slack-mrkdwn-user": (
        "bot/delivery/test_blocks.py::test_nobody_is_called_by_a_text_of_an_agent",
        "bot/delivery/test_blocks.py::test_mentions_in_commands_and_outputs_are_dead_too",
    ),
    "slack-filename": ("bot/sandbox/test_escapes_doors.py::test_a_file_has_a_safe_name",),
    "mail-header-newline": ("bot/delivery/test_envelope.py::test_a_title_cannot_add_a_header",),
    "mail-encoded-newline-guard": ("bot/delivery/test_envelope.py::test_a_title_cannot_add_a_header",),
    "smtp-out-normalised": ("bot/sandbox/test_escapes_doors.py::test_no_text_ends_a_mail_early",),
    "mail-forged-AR": (
        "handlers/email/test_letter_authentication.py::test_only_the_topmost_result_counts",
        "handlers/email/test_reply_journey.py::test_a_forged_answer_changes_nothing",
    ),
    "mail-display-name-spoof": (
        "handlers/email/test_letter_reading.py::test_names_never_stand_for_addresses",
    ),
    "reply-token": (
        "bot/test_reply_address.py::test_a_proof_is_for_one_use",
        "bot/test_reply_address.py::test_a_later_expiry_is_refused",
        "bot/test_reply_address.py::test_every_change_of_a_character_is_refused",
    ),
    "ssrf-ip": ("bot/egress/test_addresses.py::test_special_addresses_are_not_public",),
    "rebind-pinned": (
        "bot/egress/test_fetching.py::test_the_answer_to_one_lookup_holds",
        "bot/egress/test_tunnels.py::test_a_name_is_resolved_once",
    ),
    "redirect-blocked": (
        "bot/egress/test_fetching.py::test_every_redirection_is_judged",
        "bot/egress/test_fetching.py::test_only_pages_are_redirected_to",
    ),
    "redirect-loop": ("bot/egress/test_fetching.py::test_redirections_are_followed",),
    "fetch-big": ("bot/egress/test_fetching.py::test_a_body_is_cut",),
    "fetch-gzip-bomb": ("bot/egress/test_fetching.py::test_gzip_is_decoded_as_far_as_it_is_wanted",),
    "fetch-slowloris-in-time": ("bot/egress/test_fetching.py::test_a_deadline_holds_over_all",),
    "proxy-allow": (
        "bot/cli/test_allowed_hosts.py::test_an_allowed_host_is_reached",
        "journeys/test_a_way_out.py::test_only_what_an_admin_allowed_is_reached",
    ),
    "proxy-sni": ("bot/egress/test_tunnels.py::test_no_byte_goes_unless_tls_names_the_host",),
}
TRUST = "Trust in chat: secrets that stay"
TOOLS = "Every tool of the plan: the git tool"
# What it waits for, and why.
LATER = {
    "redact-b64": (TRUST, "no secret is handed to a run before there are secrets of agents"),
    "redact-split": (
        TRUST,
        "the same; that the sandbox holds none of the bot's own, env-own and its like show",
    ),
    "fernet-rotate": (
        TRUST,
        "nothing is sealed at rest yet; the keys and their rotation are in test_vault.py",
    ),
    "git-ext": (TOOLS, "the bot takes no address of a repository yet"),
}


def test_every_attempt_is_held_or_waits() -> None:
    """Each id is there exactly once: a new line of the corpus, or one that is gone, is noticed."""
    ids = [attempt["id"] for attempt in attempts()]
    of_kinds = [attempt["id"] for attempt in attempts(*KINDS)]
    assert len(set(ids)) == len(ids)
    assert sorted(ids) == sorted([*of_kinds, *LINES, *LATER])


@pytest.mark.parametrize(
    "test", sorted({*KINDS.values(), *(test for tests in LINES.values() for test in tests)})
)
def test_the_test_is_there(test: str) -> None:
    """A test that was moved or renamed is looked for at once."""
    module, _, name = test.partition("::")
    defined = ast.parse((TESTS / module).read_text()).body
    assert name in {one.name for one in defined if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
