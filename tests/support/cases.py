"""Many cases in one test: each is tried, and every one that fails is named."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from _pytest.mark import ParameterSet

_Test = TypeVar("_Test", bound=Callable[..., Any])


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


def each_case(names: str | Iterable[str], values: Iterable[Any]) -> Callable[[_Test], _Test]:
    """Call a test with each of the values, as `pytest.mark.parametrize` does, but as one test.

    For tests that leave nothing behind: what a case patches by `monkeypatch` is undone after it, all
    other fixtures are shared. Where it stands twice above a test, all combinations are tried.
    """
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else [*names]
    arguments = [_arguments(wanted, value) for value in values]

    def decorate(test: _Test) -> _Test:
        @contextmanager
        def trying(
            cases: Cases, case: dict[str, Any], given: dict[str, Any]
        ) -> Iterator[dict[str, Any]]:
            words = [f"{name}={value!r:.300}" for name, value in case.items()]
            if "monkeypatch" not in given:
                with cases.case(*words):
                    yield given | case
                return
            with cases.case(*words), given["monkeypatch"].context() as patch:
                yield given | case | {"monkeypatch": patch}

        if inspect.iscoroutinefunction(test):

            @wraps(test)
            async def try_all(**given: Any) -> None:  # noqa: ANN401  the fixtures
                with all_cases() as cases:
                    for case in arguments:
                        with trying(cases, case, given) as named:
                            await test(**named)
        else:

            @wraps(test)
            def try_all(**given: Any) -> None:  # noqa: ANN401  the fixtures
                with all_cases() as cases:
                    for case in arguments:
                        with trying(cases, case, given) as named:
                            test(**named)

        signature = inspect.signature(test)
        fixtures = [one for one in signature.parameters.values() if one.name not in wanted]
        try_all.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined]
        return try_all  # type: ignore[return-value]

    return decorate


def _arguments(names: list[str], value: Any) -> dict[str, Any]:  # noqa: ANN401  of any test
    if isinstance(value, ParameterSet):
        assert not value.marks, "one test is marked as a whole"
        return dict(zip(names, value.values, strict=True))
    return dict(zip(names, [value] if len(names) == 1 else value, strict=True))
