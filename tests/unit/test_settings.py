from pathlib import Path

import pytest

from visionseek.errors import SettingsError
from visionseek.settings import load_settings


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VISIONSEEK_SHARED", raising=False)


def test_command_line_beats_environment_beats_file_beats_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().api_port == 0
    (tmp_path / "visionseek.toml").write_text("api_port = 1001\n")
    assert load_settings().api_port == 1001
    monkeypatch.setenv("VISIONSEEK_API_PORT", "1002")
    assert load_settings().api_port == 1002
    assert load_settings(api_port=1003).api_port == 1003
    assert load_settings(api_port=None).api_port == 1002


def test_a_misspelt_variable_is_an_error_that_suggests_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIONSEEK_API_PROT", "1")
    with pytest.raises(SettingsError, match=r"(?s)VISIONSEEK_API_PROT.*VISIONSEEK_API_PORT"):
        load_settings()


def test_a_misspelt_key_in_the_file_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "visionseek.toml").write_text("api_prot = 1\n")
    with pytest.raises(SettingsError, match=r"(?s)visionseek\.toml.*api_prot.*api_port"):
        load_settings()


def test_a_file_that_is_not_toml_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "visionseek.toml").write_text("api_port = = 1\n")
    with pytest.raises(SettingsError, match=r"visionseek\.toml"):
        load_settings()


def test_a_value_of_the_wrong_type_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIONSEEK_API_PORT", "many")
    with pytest.raises(SettingsError, match=r"VISIONSEEK_API_PORT.*api_port"):
        load_settings()


def test_an_empty_variable_is_not_given_and_an_empty_option_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VISIONSEEK_DATA", "")
    assert load_settings().data == Path(".visionseek")
    with pytest.raises(SettingsError, match="option --data: setting `data`: names no folder"):
        load_settings(data="")


def test_a_value_out_of_range_is_told_without_a_guess_at_the_name() -> None:
    with pytest.raises(SettingsError, match="option --api-port") as caught:
        load_settings(api_port=99_999)
    assert caught.value.mend is None
