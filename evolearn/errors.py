"""What a user can cause: every such error is a UserError, whose text says what is wrong and what to do."""


class UserError(Exception):
    """Shown as text, without a traceback; the command ends with code 2."""
