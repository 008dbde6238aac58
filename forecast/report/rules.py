"""What counts as a collapse, in words for who does not know the rules by name."""

#: by name of the rule; its numbers are settings
RULES = {
    "resumption": "deaths between the parties within a window of days are back at a "
    "share of what they were before the truce",
    "threshold": "deaths between the parties within a window of days reach a number",
    "first_fatal": "the first death between the parties after the start",
    "violations": "breaches within a window of days are back at a share of the "
    "hostilities before the truce",
    "declared": "the record of the truce says that it ended so",
}


def meaning(label: str) -> str:
    """A rule by its name and what it says; one of a user's own by its name alone.

    Examples
    --------
    >>> meaning("first_fatal")
    'first_fatal: the first death between the parties after the start'
    >>> meaning("mine")
    'mine'
    """
    return f"{label}: {RULES[label]}" if label in RULES else label
