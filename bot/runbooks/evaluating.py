"""Where a shell reads the text of a variable as an expression, however well it was quoted.

Arithmetic evaluates what it finds in a variable, and names of variables may have subscripts, which are
arithmetic: `p='a[$(command)]'; (( p > 3 ))` runs the command (https://www.gnu.org/software/bash/manual,
Shell Arithmetic and Arrays). So do the few commands that take names from words, or words as a prompt.
"""

import re

# Scripts are written by people of good will: this finds what they write plainly, and now and then more.
_EVALUATING = re.compile(
    r"""
      \(\( | \$\[                                                  # (( p )), $(( p )), $[ p ]
    | \[\[\s (?:(?!\s\]\]).)*? (?<=\s) -(?:eq|ne|lt|le|gt|ge)\b    # [[ $p -gt 3 ]]
    | \[\s (?:(?!\s\]).)*? (?<=\s) -[vR]\s                         # [ -v $p ], [[ -v $p ]]
    | (?<![^\s;&|(]) (?:
        test\s [^;&|\n]*? (?<=\s) -[vR]\s
      | let\s
      | printf\s+ -v\s* [^\s=]*\$
      | (?:declare|typeset|local|readonly|export)\s [^;&|\n]*? (?<=\s) -\w*[aAin]
      | (?:declare|typeset|local|readonly|export|read|mapfile|readarray|getopts|unset|wait)\s
          [^;&|\n]*? (?<=\s) [^\s=;&|]*\$                          # read "$p", declare "$p=1"
      | (?:RANDOM|SECONDS|OPTIND|HISTCMD|PS[0-4])=                 # of type integer, or a prompt
      )
    | \{[!\#]?\w+\[ (?![@*]\]|\d+\])                               # ${a[p]}
    | \[ (?!\d+\]) [^\]\n]* \]\+?=                                 # a[$p]=1
    | \$\{[\w@*]+(?:\[[^\]\n]*\])? : (?![-=?+]) (?!\s*-?\d*(?::\s*-?\d+)?\})  # ${s:p}
    | \$\{! (?!\w+(?:\[[@*]\]|[@*])\})                             # ${!p}
    | @P\}
    """,
    re.VERBOSE | re.DOTALL,
)

# Regular expressions whose matches hold no [, $ or `, as far as that is seen at once.
_PLAIN = re.compile(
    r"""(?:
      [\w\ /,:=@%+|()?*-] | \\[dws.+*?()|/-] | \{\d+(?:,\d*)?\}
    | \[ (?: [a-z]-[a-z] | [A-Z]-[A-Z] | \d-\d | \\[dws.-] | [\w.,:/@%+=\ ] | -(?=\]) )+ \]
    )+""",
    re.VERBOSE,
)


def evaluated(code: str) -> str:
    """The first part of a shell script that may evaluate the text of a variable; empty if there is none."""
    found = _EVALUATING.search(code.replace("\\\n", "  "))
    return " ".join(found[0].split()) if found else ""


def plain(pattern: str, choices: tuple[str, ...]) -> bool:
    """Whether a parameter's pattern or choices leave out what runs commands in an expression: [, $ and `."""
    if choices:
        return not re.search(r"[\[$`]", "".join(choices))
    return _PLAIN.fullmatch(pattern) is not None
