"""What a classifier is worth on pictures that it has not learnt from: scikit-learn's report, and its spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from dl4art.utils.errors import InputError
from dl4art.utils.files import atomic_path
from dl4art.utils.tables import write_csv, write_json

Probabilities = npt.NDArray[np.floating[Any]]
_AVERAGES = ("macro avg", "weighted avg")


@dataclass(frozen=True, eq=False)
class Answer:
    """What a classifier says of the pictures that a fold tests on.

    Attributes
    ----------
    numbers : ndarray of int, shape (n,)
        Which pictures.
    probability : ndarray, shape (n, classes)
        Of each class.
    """

    numbers: npt.NDArray[np.intp]
    probability: Probabilities


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Answers of all folds beside the truth.

    Attributes
    ----------
    classes : tuple of str
        Names.
    labels : sequence of int
        Class of each picture.
    groups : sequence of str
        Group of each picture.
    answers : sequence of Answer
        A fold each.
    """

    classes: tuple[str, ...]
    labels: Sequence[int]
    groups: Sequence[str]
    answers: Sequence[Answer]

    def __post_init__(self) -> None:
        for answer in self.answers:
            expected = (len(answer.numbers), len(self.classes))
            if answer.probability.shape != expected:
                raise InputError(f"probability: shape {answer.probability.shape} in a fold that needs {expected}.")

    @property
    def truth(self) -> npt.NDArray[np.intp]:
        """Class of each answer, fold after fold."""
        return np.concatenate([self._true(answer) for answer in self.answers])

    @property
    def said(self) -> npt.NDArray[np.intp]:
        """Most probable class of each answer."""
        return np.concatenate([answer.probability.argmax(axis=1) for answer in self.answers])

    def _true(self, answer: Answer) -> npt.NDArray[np.intp]:
        return np.array(self.labels, np.intp)[answer.numbers]

    @property
    def accuracies(self) -> npt.NDArray[np.float64]:
        """Share of right answers in each fold."""
        return np.array(
            [float((self._true(answer) == answer.probability.argmax(axis=1)).mean()) for answer in self.answers]
        )

    @property
    def group_accuracy(self) -> float:
        """Share of groups that are named rightly by the mean over their pictures, mean over the folds."""
        return float(np.mean([self._right_groups(answer) for answer in self.answers]))

    def _right_groups(self, answer: Answer) -> float:
        names, place = np.unique([self.groups[number] for number in answer.numbers], return_inverse=True)
        total = np.zeros((len(names), len(self.classes)))
        np.add.at(total, place, answer.probability)
        truth = np.zeros(len(names), np.intp)
        truth[place] = self._true(answer)
        return float((total.argmax(axis=1) == truth).mean())

    @property
    def base_rate(self) -> float:
        """Accuracy of naming the most frequent class always."""
        return float(np.bincount(self.truth).max() / len(self.truth))

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """How many of each class (row) were called what (column)."""
        found: npt.NDArray[np.int64] = metrics.confusion_matrix(
            self.truth, self.said, labels=np.arange(len(self.classes))
        )
        return found

    def report(self) -> dict[str, Any]:
        """Give scikit-learn's classification report: precision, recall and F1 of each class, and their means."""
        found: dict[str, Any] = metrics.classification_report(
            self.truth, self.said, output_dict=True, **self._report_settings()
        )
        return found

    def report_text(self) -> str:
        """Give the same as a table, and what stands beside it: base rate and spread."""
        table: str = metrics.classification_report(self.truth, self.said, digits=3, **self._report_settings())
        spread = f" +- {self.standard_error:.3f} (standard error of {len(self.answers)} folds)"
        groups = "" if self._all_apart else f"\naccuracy by group: {self.group_accuracy:.3f}"
        return (
            f"{table}\naccuracy, mean over the folds: {self.accuracies.mean():.3f}"
            f"{spread if len(self.answers) > 1 else ''}"
            f"\nmost frequent class alone: {self.base_rate:.3f}{groups}"
        )

    def _report_settings(self) -> dict[str, Any]:
        return {"labels": np.arange(len(self.classes)), "target_names": list(self.classes), "zero_division": 0.0}

    @property
    def _all_apart(self) -> bool:
        return len({*self.groups}) == len(self.groups)

    @property
    def standard_error(self) -> float:
        """Of the mean accuracy over the folds; zero where there is only one."""
        count = len(self.answers)
        return float(self.accuracies.std(ddof=1) / count**0.5) if count > 1 else 0.0

    def sample(self, count: int) -> list[tuple[int, Probabilities]]:
        """Numbers and probabilities of pictures to show: wrong answers, surest first, then right ones, unsure first.

        At most `count` of each; every picture once.
        """
        answers = {
            int(number): probability
            for answer in self.answers
            for number, probability in zip(answer.numbers, answer.probability, strict=True)
        }
        right = {number: self.labels[number] == value.argmax() for number, value in answers.items()}
        order = sorted(answers, key=lambda number: float(answers[number].max()))
        wrong = [number for number in reversed(order) if not right[number]][:count]
        return [(n, answers[n]) for n in (*wrong, *[number for number in order if right[number]][:count])]

    def to_dict(self) -> dict[str, Any]:
        """All figures, as JSON values."""
        report = self.report()
        accuracies = self.accuracies
        return {
            "classes": list(self.classes),
            "pictures": len(self.labels),
            "groups": len({*self.groups}),
            "base_rate": self.base_rate,
            "accuracy": float(accuracies.mean()),
            "accuracy_by_group": self.group_accuracy,
            "standard_deviation": float(accuracies.std(ddof=1)) if len(accuracies) > 1 else None,
            "standard_error": self.standard_error if len(accuracies) > 1 else None,
            "folds": [
                {"pictures": len(answer.numbers), "accuracy": float(value)}
                for answer, value in zip(self.answers, accuracies, strict=True)
            ],
            "by_class": {name: report[name] for name in self.classes},
            **{name.replace(" avg", ""): report[name] for name in _AVERAGES},
            "confusion": self.confusion.tolist(),
        }


def write_evaluation(
    evaluation: Evaluation, folder: str | Path, names: Sequence[str], about: Mapping[str, Any] | None = None
) -> None:
    """Write all that an evaluation says.

    Parameters
    ----------
    evaluation : Evaluation
        What to write.
    folder : path
        Exists. Gets ``evaluation.json``, ``evaluation.txt``, ``confusion.csv``, ``confusion.png`` and
        ``predictions.csv``.
    names : sequence of str
        Of the pictures.
    about : mapping, optional
        The provenance, for the JSON file.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    from dl4art.utils.evaluation_figures import draw_confusion
    from dl4art.utils.pages import png

    folder = Path(folder)
    write_json(folder / "evaluation.json", {**evaluation.to_dict(), "about": dict(about or {})})
    with atomic_path(folder / "evaluation.txt") as path:
        path.write_text(evaluation.report_text() + "\n", encoding="utf-8")
    table = [
        {"class": name, **dict(zip(evaluation.classes, row, strict=True))}
        for name, row in zip(evaluation.classes, evaluation.confusion.tolist(), strict=True)
    ]
    write_csv(folder / "confusion.csv", ("class", *evaluation.classes), table)
    with atomic_path(folder / "confusion.png") as path:
        path.write_bytes(png(draw_confusion(evaluation.confusion, evaluation.classes)))
    # a class may be called what a column is called
    columns = [f"p {name}" for name in evaluation.classes]
    rows = [
        {
            "file": names[number],
            "group": evaluation.groups[number],
            "fold": fold,
            "class": evaluation.classes[evaluation.labels[number]],
            "said": evaluation.classes[int(probability.argmax())],
            **{column: f"{value:.4f}" for column, value in zip(columns, probability, strict=True)},
        }
        for fold, answer in enumerate(evaluation.answers)
        for number, probability in zip(answer.numbers, answer.probability, strict=True)
    ]
    write_csv(folder / "predictions.csv", ("file", "group", "fold", "class", "said", *columns), rows)
