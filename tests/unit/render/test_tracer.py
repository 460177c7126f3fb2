"""Which ray tracer is chosen, given what is installed and what is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.render import tracer
from catalog.render.tracer import LLVM, SCALAR, Tracer, choose, libraries
from visionseek.errors import SettingsError


def test_libraries_are_found_newest_first_and_once(tmp_path: Path) -> None:
    for name in (
        "libLLVM-14.so.1",
        "libLLVM-15.so.1",
        "libLLVM.so.19.1",
        "libLLVM.so.18.1",
        "libLLVMNew.so.20",
    ):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "libLLVM-19.so").symlink_to("libLLVM.so.19.1")
    (tmp_path / "libLLVM-15.so").symlink_to("libLLVM-15.so.1")
    (tmp_path / "libLLVM-21.so").symlink_to("gone")
    found = libraries((f"{tmp_path.parent}/{tmp_path.name[:-1]}*", str(tmp_path)))
    assert [path.name for path in found] == ["libLLVM.so.19.1", "libLLVM.so.18.1", "libLLVM-15.so.1"]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two libraries, of which the names in the returned list work."""
    good: list[str] = []
    monkeypatch.setattr(
        tracer, "libraries", lambda: [Path("/lib/libLLVM.so.19.1"), Path("/lib/libLLVM-15.so.1")]
    )
    monkeypatch.setattr(tracer, "works", lambda path: path in good)
    return good


def test_the_newest_library_that_works_draws(installed: list[str]) -> None:
    installed += ["/lib/libLLVM-15.so.1", "/lib/libLLVM.so.19.1"]
    assert choose({}) == Tracer(LLVM, "/lib/libLLVM.so.19.1")
    installed.remove("/lib/libLLVM.so.19.1")
    assert choose({}) == Tracer(LLVM, "/lib/libLLVM-15.so.1", tried=("/lib/libLLVM.so.19.1",))
    assert not choose({}).notice


def test_without_a_working_library_the_scalar_variant_draws_and_says_so(installed: list[str]) -> None:
    chosen = choose({})
    assert chosen.variant == SCALAR
    assert "libLLVM-15.so.1" in chosen.notice
    assert "libllvm19" in chosen.notice
    assert installed == []


def test_a_library_that_is_named_is_the_only_one_tried(installed: list[str]) -> None:
    installed += ["/lib/libLLVM.so.19.1", "/opt/mine.so"]
    assert choose({"DRJIT_LIBLLVM_PATH": "/opt/mine.so"}).llvm == "/opt/mine.so"
    assert choose({"DRJIT_LIBLLVM_PATH": "/opt/other.so"}).variant == SCALAR


def test_a_variant_that_is_asked_for_is_taken_or_refused(installed: list[str]) -> None:
    chosen = choose({"MITSUBA_VARIANT": SCALAR})
    assert chosen.variant == SCALAR
    assert not chosen.notice, "who asks for it need not be told"
    with pytest.raises(SettingsError, match="no LLVM library works"):
        choose({"MITSUBA_VARIANT": LLVM})
    installed.append("/lib/libLLVM-15.so.1")
    assert choose({"MITSUBA_VARIANT": LLVM}).llvm == "/lib/libLLVM-15.so.1"
    with pytest.raises(SettingsError, match="scalar_spectral"):
        choose({"MITSUBA_VARIANT": "scalar_spectral"})
