"""What stands in ``envelopes/`` is what the code makes."""

from pathlib import Path

from bitbrat.schema import documents, export
from tests.unit.schema.deployed import manifests

ENVELOPES = Path(__file__).resolve().parents[3] / "envelopes"


def test_envelopes_are_as_the_code_makes_them() -> None:
    """After a change of the contract or of a service: ``bitbrat schema export``."""
    made = documents(manifests())

    kept = {str(path.relative_to(ENVELOPES)): path.read_text(encoding="utf-8") for path in sorted(ENVELOPES.rglob("*.json"))}

    assert set(kept) == set(made)
    for path, text in made.items():
        assert kept[path] == text, f"envelopes/{path} is not what the code makes: run bitbrat schema export"


def test_an_export_writes_everything_and_removes_what_is_gone(tmp_path: Path) -> None:
    """Twice gives the same bytes; a schema that is no longer made goes away, other files stay."""
    (tmp_path / "payloads").mkdir()
    (tmp_path / "payloads" / "old.schema.json").write_text("{}")
    (tmp_path / "README.md").write_text("mine")

    first = {path: path.read_bytes() for path in export(tmp_path, manifests())}
    second = {path: path.read_bytes() for path in export(tmp_path, manifests())}

    assert first == second
    assert {str(path.relative_to(tmp_path)) for path in first} == set(documents(manifests()))
    assert not (tmp_path / "payloads" / "old.schema.json").exists()
    assert (tmp_path / "README.md").read_text() == "mine"
