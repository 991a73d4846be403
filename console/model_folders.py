"""Where models lie and which one is meant; light, loads none."""

from pathlib import Path

from infra.settings import Settings
from models.registry import WEIGHTS, find


def model_folders(settings: Settings) -> tuple[Path, ...]:
    """Folders of models: the shipped ones, and what `parley models export` made."""
    return WEIGHTS, settings.state_dir / "models"


def find_model(model: Path | str | None, settings: Settings) -> Path:
    """The folder of a model named by name, NAME@HASH or folder; of the one in use where None."""
    return find(settings.model_dir if model is None else model, model_folders(settings))
