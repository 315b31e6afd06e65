"""What Legwork's own mails carry so that it knows them again when they come back."""

# Stands at the top of every mail that may be answered. What a person wrote is above it.
MARKER = "## Reply above this line ##"

# The header of everything Legwork sends: a letter that carries it is never acted on or answered, so that
# two machines cannot write to each other for ever (RFC 3834, section 2).
LOOP_HEADER = "X-Legwork"
