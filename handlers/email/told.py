"""What people are told about their letters; each sentence says what to do next."""

EMPTY = (
    "Nothing was said to {task}: your mail has no text of its own above what it quotes. Write your answer "
    "above the quotation and send it again."
)
OVER = (
    "{task} is over: it is {state}, so nobody reads what you wrote. To go on with it, {how} in Slack. Answer "
    "this mail with `status` to see how it ended."
)
RETRY = "begin it anew with `task retry {task}`"
ASK_TO_RETRY = "ask whoever opened it, or a team member, to begin it anew with `task retry {task}`"
OTHER = (
    "Nothing was done: this address is for {signed}. Answer the mail about {named} to say something about "
    "that."
)
NO_SERVER = (
    "Nothing was decided: decisions by mail are off here, because no mail server vouches for senders. Decide "
    "in Slack, with `task approve {name}` or `task deny {name} why`. An admin can let decisions in by mail: "
    "LEGWORK_AUTHSERV_ID has to name the mail server that checks DMARC."
)
UNPROVEN = (
    "Nothing was decided: your mail came without a DMARC pass for {domain}, so that anybody could have "
    "written it. Decide in Slack, with `task approve {name}` or `task deny {name} why`, or ask whoever runs "
    "the mail of {domain} to sign it (DKIM) and to publish a DMARC record."
)
EXPIRED = "Nothing was decided: the mail that you answered was too old, and {name} is still open."
NO_CALL = "Nothing was decided: the mail that you answered is about {task} as a whole. This is what waits."
UNDECIDED = "Nothing was decided: {name} is still open. The agent was told what you wrote."
ALONE = "Answer this mail with `approve` alone on the first line, or with `deny: why`."
NAME = "Answer this mail with the one that you mean: `approve {name}`, or `deny {name}` and why."
LONG = (
    "**{name}** is too long to be shown here. Decide on it in Slack, or answer the mail that reminds of it: "
    "that has it attached."
)
LATE = (
    "Nothing was decided: the mail that you answered was too old, and {name} is not open any more. {settled}."
)
ASKS = "**The agent asks:** {text}"
STILL_ASKED = (
    "The agent was told what you wrote. It answers no question: you answered another mail of {task}.\n\n"
    "{question}\n\nAnswer this mail to answer that."
)
ANSWERED = (
    "Nothing was said to {task}: your mail answers a question that is not open any more. {late} To tell the "
    "agent more, answer this mail."
)
ATTACHED = "Attachments are not read yet: the agent is told your words, and does not see your files."
STRANGER = (
    "A mail about {task} came from {sender}, to a reply address that was made for {bound}. It was kept, and "
    "not acted on. If {sender} is you too, link it in Slack with `agent people link ADDRESS`, or write from "
    "{bound}, and send the mail again. If it is not, somebody else has seen a mail that was meant for you: "
    "do not forward Legwork's mails, and tell an admin."
)
FORGED = (
    "A mail about {task} came in your name, and the rules of your own mail domain (DMARC) say that it was "
    "not sent from there. It was kept, and not acted on. If you wrote it, send it again from your usual mail "
    "account and not through a list, or say it in Slack. If you did not, tell an admin."
)
FLOOD = (
    "More than {most} mails came from you within an hour. The one about {task} and those after it were kept, "
    "and not acted on. Wait an hour and send what matters again, or say it in Slack. If a program sends "
    "them, stop it."
)
FORWARDED = "A mail came for {mailbox}.\n\n{letter}\n\nNothing of it was acted on."
