"""A study display that remembers, and can stop a study as a user would."""


class StudyWatcher:
    def __init__(self, stop=None) -> None:
        self.events = []
        self.warnings = []
        self.stop = stop  # called with every event; raises KeyboardInterrupt where the user would

    def preparing(self, what) -> None:
        self._note("preparing", what=what)

    def planned(self, config, plan, rates, left) -> None:
        self.plan = plan
        self._note("planned", left=list(left))

    def began(self, directory) -> None:
        self._note("began", directory=directory)

    def working(self, progress, what) -> None:
        self._note("working", job=progress.job, what=what, progress=progress)

    def generation(self, progress, generation, generations) -> None:
        self._note("generation", job=progress.job, generation=generation.generation, progress=progress)

    def done(self, progress, what) -> None:
        self._note("done", job=progress.job, what=what, progress=progress)

    def warning(self, text) -> None:
        self.warnings.append(text)

    def judging(self, what) -> None:
        self._note("judging", what=what)

    def _note(self, kind, **about) -> None:
        event = {"kind": kind, **about}
        self.events.append(event)
        if self.stop is not None:
            self.stop(event)
