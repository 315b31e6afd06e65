"""A letter's bytes, read."""

import base64
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.email import mime
from handlers.email.letter import Letter, read

HEAD = b"From: Ana <Ana@Example.com>\r\nTo: coder@legwork.example\r\nSubject: Hello\r\n"


def letter(body: bytes, *fields: bytes) -> Letter:
    return read(HEAD + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body)


def parts(boundary: str, *bodies: bytes, end: bool = True) -> bytes:
    mark = b"--" + boundary.encode()
    return b"".join(mark + b"\r\n" + body + b"\r\n" for body in bodies) + (mark + b"--\r\n" if end else b"")


def test_an_ordinary_letter() -> None:
    """Every field of an ordinary letter is read."""
    message = EmailMessage()
    message["From"] = "Ana Ønsk <Ana@Example.com>"
    message["To"] = "Coder <coder@legwork.example>, Bo <BO@x.org>"
    message["Cc"] = "eve@x.org"
    message["Subject"] = "Grüße: please fix the failing test, it has been failing for days and days and days"
    message["Date"] = "Mon, 16 Nov 2026 12:34:56 +0100"
    message["Message-ID"] = "<m1@x.org>"
    message["In-Reply-To"] = "<m0@x.org>"
    message["References"] = "<r@x.org>, <m0@x.org>"
    message.set_content("Do it.\n\n-- \nAna\n")
    message.add_alternative("<p>Do <b>it</b></p>", subtype="html")
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="Bild ü.png")
    raw = (
        b"Delivered-To: task+abc@legwork.example\r\nAuthentication-Results: mx; dmarc=pass\r\n"
        b"Authentication-Results: other\r\n" + message.as_bytes()
    )
    found = read(raw)
    assert (found.from_, found.from_name) == ("ana@example.com", "Ana Ønsk")
    assert found.to == ("coder@legwork.example", "bo@x.org", "eve@x.org", "task+abc@legwork.example")
    assert found.subject == message["Subject"]
    assert found.date == datetime(2026, 11, 16, 11, 34, 56, tzinfo=UTC)
    assert (found.message_id, found.in_reply_to) == ("<m1@x.org>", "<m0@x.org>")
    assert found.references == ("<r@x.org>", "<m0@x.org>")
    assert (found.text, found.elided) == ("Do it.", "--\nAna")
    assert [(file.name, file.media_type, file.size, file.content) for file in found.attachments] == [
        ("Bild ü.png", "image/png", 4, b"\x89PNG")
    ]
    assert found.authentication == ("mx; dmarc=pass", "other")
    assert not found.auto_reply
    assert not found.bounce
    assert not found.problems


@pytest.mark.parametrize(
    "sender",
    [
        b"a@x.org, b@x.org",
        b"Ana <a@x.org>, Bo <b@x.org>",
        b"<a@x.org><b@x.org>",
        b"Ana <a@x.org> b@x.org",
        b"Ana <a@x.org",
        b'"a@x.org',
        b'"a@x.org"',
        b"a@x.org (Bo",
        b"Ana <<a@x.org>>",
        b"Ana",
        b"a@x.org@y.org",
        b"<>",
        b"",
        b"a@x.org\r\nFrom: b@x.org",
        b"(a@x.org",
        b"a@x.org\\",
        b"a\xff@x.org",
        b"=?utf-8?q?a=40x.org?=",
        b"undisclosed:;",
        b'"a b"@x.org',
    ],
)
def test_a_sender_who_is_not_exactly_one_is_nobody(sender: bytes) -> None:
    """Where From could be read in two ways, it is not read at all, and a problem says so."""
    found = read(b"From: " + sender + b"\r\n\r\nhi")
    assert found.from_ == ""
    assert len(found.problems) == 1


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (b'"Doe, Ana" <a@x.org>', "Doe, Ana"),
        (b"a@x.org (Ana)", ""),
        (b"=?utf-8?b?QW5hIDxiQHkub3JnPg==?= <a@x.org>", "Ana <b@y.org>"),
        (b'"b@y.org" <A@x.org>', "b@y.org"),
        (b"=?iso-8859-1?q?J=F6rg?= =?iso-8859-1?q?_M=FCller?= <a@x.org>", "Jörg Müller"),
        ("Jörg <a@x.org>".encode(), "Jörg"),
        ("Jörg <a@x.org>".encode("latin-1"), "Jörg"),
        (b"Ana\r\n <a@x.org>", "Ana"),
    ],
)
def test_names_never_stand_for_addresses(field: bytes, name: str) -> None:
    """However the name is written, the address is the one outside of it."""
    found = read(b"From: " + field + b"\r\n\r\nhi")
    assert (found.from_, found.from_name) == ("a@x.org", name)


TEXTS = {
    "as declared": (b"gr\xfc\xdfe", b"iso-8859-1", "grüße", 0),
    "windows": (b"\x93hi\x94", b"iso-8859-1", "“hi”", 0),
    "utf-8, undeclared": ("grüße".encode(), b"", "grüße", 0),
    "latin-1, undeclared": (b"gr\xfc\xdfe", b"", "grüße", 0),
    "wrongly declared": ("grüße".encode(), b"us-ascii", "grüße", 1),
    "latin-1 declared as ascii": (b"gr\xfc\xdfe " + b"x" * 200, b"us-ascii", "grüße " + "x" * 200, 1),
    "unknown charset": ("grüße".encode(), b"x-nonsense", "grüße", 1),
    "no charset of text": (b"hello", b"base64", "hello", 1),
    "utf-8 with a broken byte": ("grüße ".encode() * 20 + b"\xff", b"utf-8", ("grüße " * 20 + "\ufffd"), 1),
    "hebrew": ("שלום".encode("iso-8859-8"), b"iso-8859-8-i", "שלום", 0),
    "japanese": ("こんにちは".encode("iso-2022-jp"), b"iso-2022-jp", "こんにちは", 0),
    "half a character": (b"+2AA-x", b"utf-7", "\ufffdx", 0),
    "nul bytes": (b"he\0llo", b"utf-8", "hello", 0),
}


@pytest.mark.parametrize(("content", "charset", "text", "problems"), TEXTS.values(), ids=TEXTS)
def test_charsets(content: bytes, charset: bytes, text: str, problems: int) -> None:
    """The declared charset is tried first, then UTF-8, then Windows-1252; what does not fit is said."""
    kind = b"Content-Type: text/plain" + (b"; charset=" + charset if charset else b"")
    found = letter(content, kind)
    assert found.text == text
    assert len(found.problems) == problems


def test_flowed_text() -> None:
    """Flowed lines are joined, quotes by their depth, a signature not at all (RFC 3676)."""
    body = b"This is \r\none line.\r\n From here.\r\n> a quoted \r\n> line\r\n-- \r\nAna\r\n"
    found = letter(body, b"Content-Type: text/plain; format=flowed")
    assert found.text == "This is one line.\nFrom here."
    assert found.elided == "> a quoted line\n--\nAna"
    found = letter(
        "日本 \r\n語".encode(), b"Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes"
    )
    assert found.text == "日本語"


HTML = {
    "<p>One</p><p>Two<br>three</p>": "One\n\nTwo\nthree",
    "<div>One</div><div>Two</div>": "One\nTwo",
    "<ul><li>a</li><li>b</li></ul>": "- a\n- b",
    "<style>p{}</style><script>x</script><p>Hi</p><!-- no > --><!--[if mso]>no<![endif]-->": "Hi",
    "<p>Hi<span style='display: none'>unseen <b>words</b></span> you</p>": "Hi you",
    "<p>Hi</p><div hidden>unseen</div>": "Hi",
    "Hi<blockquote>quoted<br>words</blockquote>": "Hi",
    "Hi &lt;you&gt; &amp; me&nbsp;&#8364;": "Hi <you> & me €",
    "<a href='https://x.org/a'>the log</a>": "the log <https://x.org/a>",
    "<a href='https://x.org'>https://x.org</a> too": "https://x.org too",
    "<pre>a\n  b</pre>": "a\n  b",
    "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>": "a b\nc",
    "Yes<div class='gmail_signature'>Ana</div>": "Yes",
    "Yes<div class='gmail_quote'><div>On 16/11/26, L wrote:</div><blockquote>x</blockquote></div>": "Yes",
    "Yes<hr><div id='divRplyFwdMsg'><b>From:</b> a@b.org<br><b>Sent:</b> 16 Nov 2026<br></div>x": "Yes",
    "2 < 3 and 4 > 3": "2 < 3 and 4 > 3",
    "<p>unclosed <b>tag": "unclosed tag",
    "<style><!-- p {} --> q {}</style>Hi": "Hi",
    "<!---->Hi<!-- a <b> c -->": "Hi",
}


@pytest.mark.parametrize(("html", "text"), HTML.items())
def test_html_where_there_is_no_text(html: str, text: str) -> None:
    """HTML reads as a person sees it: blocks are lines, quotes are quotes, the unseen is left out."""
    assert letter(html.encode(), b"Content-Type: text/html; charset=utf-8").text == text


def test_plain_text_goes_before_html() -> None:
    """Of two alternatives the text is read, unless it is empty."""
    both = [b"Content-Type: text/plain\r\n\r\nplain", b"Content-Type: text/html\r\n\r\n<p>html"]
    field = b'Content-Type: multipart/alternative; boundary="b"'
    assert letter(parts("b", *both), field).text == "plain"
    assert letter(parts("b", b"Content-Type: text/plain\r\n\r\n \r\n", both[1]), field).text == "html"


def test_what_is_no_text_is_attached() -> None:
    """Forwarded letters, calendars, winmail.dat and named texts are files; a letter's seal is none."""
    inner = parts(
        "i",
        b"Content-Type: text/plain\r\n\r\nLook.",
        b"Content-Type: message/rfc822\r\n\r\nFrom: x@y.org\r\n\r\nforwarded",
        b"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR",
        b"Content-Type: application/ms-tnef; name=winmail.dat\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\neJ8+",
        b"Content-Type: text/plain\r\nContent-Disposition: attachment;\r\n"
        b" filename*=utf-8''n%C3%B6te.txt\r\n\r\nnote",
        b"Content-Type: text/plain; name=../../etc/passwd\r\n\r\nroot",
    )
    outer = parts(
        "o",
        b"Content-Type: multipart/mixed; boundary=i\r\n\r\n" + inner,
        b"Content-Type: application/pgp-signature\r\n\r\nx",
    )
    found = letter(outer, b"Content-Type: multipart/signed; boundary=o")
    assert found.text == "Look."
    assert [(file.name, file.media_type) for file in found.attachments] == [
        ("attachment-1.eml", "message/rfc822"),
        ("attachment-2.ics", "text/calendar"),
        ("winmail.dat", "application/ms-tnef"),
        ("nöte.txt", "text/plain"),
        ("passwd", "text/plain"),
    ]
    assert found.attachments[0].content == b"From: x@y.org\r\n\r\nforwarded"


@pytest.mark.parametrize(
    ("field", "body", "text", "said"),
    [
        (b"Content-Type: multipart/mixed", b"Hello", "Hello", "set apart"),
        (b"Content-Type: multipart/mixed; boundary=x", b"Hello", "Hello", "set apart"),
        (b"Content-Type: multipart/mixed; boundary=x", parts("x", b"\r\nHello", end=False), "Hello", ""),
        (b"Content-Transfer-Encoding: base64", base64.b64encode(b"Hello")[:-1], "Hello", ""),
        (b"Content-Transfer-Encoding: base64", b"SGV*sbG8=!", "Hello", ""),
        (b"Content-Transfer-Encoding: base64", b"SGVsbG8hI", "Hello!", "base64"),
        (b"Content-Transfer-Encoding: quoted-printable", b"Hel=6Co =ZZ", "Hello =ZZ", ""),
        (b"Content-Transfer-Encoding: x-odd", b"Hello", "Hello", "x-odd"),
        (b"Content-Type: multipart/encrypted; boundary=x", parts("x", b"\r\nHello"), "Hello", "encrypted"),
        (b"Content-Type: nonsense", b"Hello", "Hello", ""),
        (b"no field at all", b"Hello", "no field at all\n\nHello", ""),
    ],
)
def test_broken_letters_are_read_as_far_as_they_go(field: bytes, body: bytes, text: str, said: str) -> None:
    """What is broken is forgiven; what is lost by it is said."""
    found = letter(body, field)
    assert found.text == text
    assert said in " ".join(found.problems)
    assert bool(said) is bool(found.problems)


def test_leading_blank_lines_are_passed_over() -> None:
    """Blank lines before the header do not make it the body."""
    assert read(b"\r\n \r\n" + HEAD + b"\r\nhi").from_ == "ana@example.com"


def test_many_parts_and_deep_ones_are_bounded() -> None:
    """Past a number and a depth parts are not read, and the letter says so."""
    many = parts("b", *[b"Content-Type: image/png\r\n\r\nx"] * 1_000)
    found = letter(many, b"Content-Type: multipart/mixed; boundary=b")
    assert len(found.attachments) < mime.PARTS
    assert "more than" in found.problems[0]
    deep = b"\r\ninnermost"
    for level in range(300, 0, -1):
        mark = f"b{level}"
        deep = f"Content-Type: multipart/mixed; boundary={mark}".encode() + b"\r\n\r\n" + parts(mark, deep)
    assert "deep" in read(HEAD + deep).problems[0]


HOSTILE = {
    "parentheses": b"From: " + b"(" * 60_000 + b"\r\n\r\nx",
    "escaped quotes": b'From: "' + b'\\"' * 30_000 + b"\r\n\r\nx",
    "encoded words": b"Subject: " + b"=?a?q?" * 10_000 + b"\r\n\r\nx",
    "parameters": b"Content-Type: text/plain" + b';a="' * 15_000 + b"\r\n\r\nx",
    "references": b"References: " + b"<" * 60_000 + b"\r\n\r\nx",
    "many fields": b"X: y\r\n" * 200_000,
    "one long field": b"X: " + b"y" * 5_000_000,
    "folds": b"Subject: x\r\n" + b" \r\n\t y\r\n" * 20_000 + b"\r\nx",
    "tags": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<a " * 150_000,
    "comments": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<!--" * 100_000,
    "equals signs": HEAD + b"Content-Type: text/html\r\n\r\n<p " + b"=" * 400_000 + b">x",
    "boundaries": HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n" * 200_000,
    "entities": HEAD + b"Content-Type: text/html\r\n\r\n" + b"&" * 400_000,
    "blockquotes": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<blockquote>x" * 30_000,
    "newlines": b"\r\n" * 500_000 + HEAD + b"\r\nx",
    "returns": HEAD + b"\r\n" + b"\r" * 400_000,
    "base64": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"A" * 5_000_000,
    "dates": b"Date: " + b"1:" * 50_000 + b"\r\n\r\nx",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_hostile_letters_take_no_time(raw: bytes) -> None:
    """Letters made to be slow are read in a moment."""
    began = time.thread_time()
    read(raw)
    assert time.thread_time() - began < 2


@given(st.binary(max_size=2_000) | st.text(max_size=500).map(str.encode))
def test_any_bytes_are_read(raw: bytes) -> None:
    """Nothing that arrives raises."""
    assert isinstance(read(raw), Letter)
    assert isinstance(read(HEAD + raw), Letter)
    assert isinstance(read(HEAD + b"Content-Type: text/html\r\n\r\n" + raw), Letter)


NAMES = (
    *("From", "To", "Subject", "Date", "Message-ID", "References", "Content-Type", "Content-Disposition"),
    *("Content-Transfer-Encoding", "Auto-Submitted", "Return-Path", "Authentication-Results"),
)
VALUES = (
    *("multipart/mixed; boundary=b", "text/html; charset=punycode", "message/rfc822", "base64", "7bit"),
    *("quoted-printable", "text/plain; format=flowed", "=?utf-8?b?4pi=?=", "a@x.org"),
    *("attachment; filename*0*=utf-8''%ff", "multipart/digest; boundary*=b''b", "text/plain; charset*=\0''x"),
    *("text/plain; charset=utf-7", "=?utf-7?q?+2AA-?= <a@x.org>", "attachment; filename*=utf-7''+2AA-"),
    'attachment; filename="a\\"; b=c',
)
FIELDS = st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES) | st.text(max_size=40))
PARTS = st.recursive(
    st.binary(max_size=80),
    lambda inner: st.tuples(st.lists(FIELDS, max_size=4), st.lists(inner, max_size=4), st.booleans()).map(
        lambda made: (
            b"".join(f"{name}: {value}\r\n".encode("utf-8", "surrogatepass") for name, value in made[0])
            + b"\r\n"
            + parts("b", *made[1], end=made[2])
        )
    ),
    max_leaves=12,
)


@given(PARTS)
def test_any_assembled_letter_is_read(raw: bytes) -> None:
    """However parts are nested and named, the answer is a letter, its files no larger than what came."""
    found = read(raw)
    texts = (found.text, found.elided, found.subject, found.from_name, found.message_id)
    "".join((*texts, *found.authentication, *found.references, *found.problems)).encode()
    "".join(file.name + file.media_type for file in found.attachments).encode()
    assert all(file.size == len(file.content) <= len(raw) for file in found.attachments)
    assert all(file.name and "/" not in file.name for file in found.attachments)


def test_apple_mail_sets_texts_between_pictures() -> None:
    """Several texts in a row are one text."""
    outer = MIMEMultipart()
    outer["From"] = "a@x.org"
    for text in ("First.", "Second."):
        outer.attach(MIMEText(text))
    assert read(outer.as_bytes()).text == "First.\nSecond."
