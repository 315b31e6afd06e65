"""Letters that no person wrote."""

import pytest

from bot.reply_marker import LOOP_HEADER
from handlers.email.letter import read

REPORT = "Content-Type: multipart/report; boundary=b; report-type="


@pytest.mark.parametrize(
    ("fields", "auto_reply", "bounce"),
    [
        ("", False, False),
        ("Auto-Submitted: no", False, False),
        ("Auto-Submitted: no (a person)", False, False),
        ("Precedence: normal", False, False),
        ("Return-Path: <ana@x.org>", False, False),
        ("Auto-Submitted: auto-replied", True, False),
        ("Auto-Submitted: Auto-Generated; owner-email=a@b", True, False),
        ("auto-submitted: auto-notified", True, False),
        ("Auto-Submitted:\r\n auto-replied", True, False),
        ("Precedence: bulk", True, False),
        ("Precedence: List", True, False),
        ("PRECEDENCE: junk", True, False),
        ("Precedence: auto_reply", True, False),
        ("X-Autoreply: yes", True, False),
        ("X-Autorespond: Re: hello", True, False),
        ("X-AutoReply-From: a@b", True, False),
        ("Return-Path: <>", True, False),
        ("Return-Path: < >", True, False),
        (f"{LOOP_HEADER}: 1", True, False),
        (f"{REPORT}delivery-status", True, True),
        (f'{REPORT}"Delivery-Status"', True, True),
        ("Content-Type: multipart/report; boundary=b", True, True),
        (f"{REPORT}disposition-notification", True, False),
        (f"{REPORT}feedback-report", True, False),
        ("X-Failed-Recipients: a@b.org", True, True),
    ],
)
def test_who_is_no_person(fields: str, *, auto_reply: bool, bounce: bool) -> None:
    """What machines say of themselves is believed; reports of delivery are bounces, other reports are not."""
    found = read(f"From: ana@x.org\r\n{fields}\r\n\r\nhi".encode())
    assert (found.auto_reply, found.bounce) == (auto_reply, bounce)


def test_daemons_write_bounces() -> None:
    """A letter from MAILER-DAEMON is a bounce whatever else it says."""
    found = read(b"From: Mail System <MAILER-DAEMON@x.org>\r\n\r\nUndelivered")
    assert found.auto_reply
    assert found.bounce


def test_the_parts_of_a_report_are_kept() -> None:
    """The status and the returned letter of a bounce are files, so that the address can be found in them."""
    body = (
        b"--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@b.org\r\nStatus: 5.1.1\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n"
        b"Subject: T-1\r\n\r\nhello\r\n--b--"
    )
    found = read(b"From: x@y.org\r\n" + REPORT.encode() + b"delivery-status\r\n\r\n" + body)
    assert found.text == "Sorry."
    assert [file.media_type for file in found.attachments] == ["message/delivery-status", "message/rfc822"]
    assert b"Status: 5.1.1" in found.attachments[0].content
