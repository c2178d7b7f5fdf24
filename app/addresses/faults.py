"""What is wrong with an address: one error, whose text is the reason."""


class InvalidAddress(ValueError):
    """The text is no address of the form that was expected; the message says why.

    The message never repeats the text itself, so that it may be logged and shown.
    """
