"""Shared by tests: Notes."""

from evolearn.inspection import Answer


class Notes:
    """A display that remembers."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def starting(self, title: str) -> None:
        self.seen.append(title)

    def progress(self, done: int, of: int) -> None:
        self.seen.append((done, of))

    def finished(self, answer: Answer) -> None:
        self.seen.append((answer.key, bool(answer.missing)))

    def warning(self, text: str) -> None:
        self.seen.append(text)
