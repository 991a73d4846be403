"""Files that people write: policies, voices, templates."""

from pathlib import Path

from schemas.errors import ConfigurationError


def yaml_text(file: Path) -> str:
    """The text of a file; raises ConfigurationError naming the file and the problem."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"Cannot read {file}: {error.strerror}. Name a YAML file that exists."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"Cannot read {file}: it is not UTF-8. Name a YAML file.") from error
