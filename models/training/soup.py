"""Averages the weights of students that started alike and read their texts in another order.

One model then does nearly what an ensemble of them would (model soups, Wortsman et al. 2022).
"""

import argparse
from pathlib import Path

import torch

from models.training.encoder import Encoder


def average(models: list[Encoder]) -> Encoder:
    """The first model with the mean of all weights; all have the same shape."""
    states = [model.state_dict() for model in models]
    models[0].load_state_dict({k: torch.stack([s[k] for s in states]).mean(0) for k in states[0]})
    return models[0]


def main() -> None:
    """Average saved weights."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.save(average([torch.load(path, weights_only=False) for path in args.models]), args.out)


if __name__ == "__main__":
    main()
