"""Writes scikit-learn's handwritten digits as data files for train.cpp and serve.cpp.

python make_digits.py FOLDER      writes FOLDER/train.csv and FOLDER/test.csv

1,797 images of 8 x 8 pixels, from the UCI repository (CC BY 4.0). A line is 64 pixels from 0 to 1, and the
digit.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def write(path: Path, images, labels) -> None:
    """Write one line for each image."""
    with path.open("w", encoding="ascii") as file:
        for image, label in zip(images, labels, strict=True):
            file.write(",".join(f"{pixel:g}" for pixel in image) + f",{label}\n")


def main() -> None:
    """Write both files into the folder that the command line names."""
    folder = Path(sys.argv[1])
    images, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        images / 16.0, labels, test_size=0.2, random_state=0, stratify=labels
    )
    write(folder / "train.csv", train_x, train_y)
    write(folder / "test.csv", test_x, test_y)


if __name__ == "__main__":
    main()
