"""The list of guards is about the code as it is: taking one away must not have become impossible."""

from tests.mutations.__main__ import ROOT
from tests.mutations.guards import MUTATIONS, Mutation
from tests.support.cases import each_case


@each_case("mutation", MUTATIONS)
def test_guard_stands_where_the_list_says_and_has_its_test(mutation: Mutation) -> None:
    assert (ROOT / mutation.file).read_text().count(mutation.text) == 1
    file, _, name = mutation.test.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text() or not name


def test_every_guard_is_in_the_document_with_its_test() -> None:
    document = (ROOT / "docs/reliability.md").read_text()
    for mutation in MUTATIONS:
        row = f"| {mutation.guard} | `{mutation.test.split('::')[-1]}` |"
        assert row in document
