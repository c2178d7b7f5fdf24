"""Many cases in one test: each is tried, and every one that fails is named."""

from collections.abc import Iterator
from contextlib import contextmanager


class Cases:
    """The cases of one test, and what went wrong in them."""

    def __init__(self) -> None:
        """Begin with none."""
        self.count = 0
        self.failures: list[Exception] = []

    @contextmanager
    def case(self, *words: object) -> Iterator[None]:
        """Run one case, which `words` name; a failure in it is kept, and the next case may run."""
        self.count += 1
        try:
            yield
        except Exception as failure:  # raised again by `all_cases`
            failure.add_note(f"case: {' '.join(map(str, words))}")
            self.failures.append(failure)


@contextmanager
def all_cases() -> Iterator[Cases]:
    """Lend the cases of a test; raises an ExceptionGroup of all failures, and if there was no case."""
    cases = Cases()
    yield cases
    if cases.failures:
        raise ExceptionGroup(f"of {cases.count} cases", cases.failures)
    if not cases.count:
        raise AssertionError("there was no case")
