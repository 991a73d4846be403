from pathlib import Path

import pytest

from console.yaml_files import yaml_text
from schemas.errors import ConfigurationError


def test_what_cannot_be_read_is_told_without_the_machines_numbers(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^Cannot read .*absent\.yaml: No such file or directory\."):
        yaml_text(tmp_path / "absent.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="it is not UTF-8"):
        yaml_text(tmp_path / "bytes.yaml")
