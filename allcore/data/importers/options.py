"""What a person may say about images that no layout tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from allcore.base.errors import BadInput
from allcore.data.importers.listing import Listing

if TYPE_CHECKING:
    import pandas as pd

LONGEST_PATTERN = 300


@dataclass(frozen=True)
class Options:
    """'' and nothing in it: as the layout has it."""

    positive: str = ""
    """The class that is looked for."""
    patient_pattern: str = ""
    """A regular expression with a group named `patient`, looked for in each image's path below the root."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Of a table: what we call a column (path, label, patient, split, fold) -> what the table calls it."""
    class_names: tuple[str, ...] = ()
    """Of a MedMNIST file: the classes' names in the order of their numbers."""
    licence: str = ""
    source: str = ""
    """Where the images come from: a citation, a DOI, an address."""

    def to_params(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Options:
        return cls(**{**params, "class_names": tuple(params.get("class_names", ()))})


AS_FOUND = Options()


def applied(options: Options, found: Listing) -> Listing:
    """The listing with patients, positive class, licence and source as the person said.

    Raises BadInput where the pattern is none or matches no path, or no class has the name of the positive one.
    """
    if options.positive and options.positive not in found.class_names:
        raise BadInput(f"There is no class '{options.positive}' to be the positive one.", f"Choose one of: {', '.join(found.class_names)}.")
    images = _with_patients(found.images, compiled(options.patient_pattern)) if options.patient_pattern else found.images
    return replace(
        found,
        images=images,
        positive=options.positive or found.positive,
        licence=options.licence or found.licence,
        source=options.source or found.source,
    )


def compiled(pattern: str) -> re.Pattern[str]:
    """The patient pattern, ready for use. Raises BadInput where it is no regular expression or names no patient."""
    if len(pattern) > LONGEST_PATTERN:
        raise BadInput(f"The patient pattern has {len(pattern)} characters.", f"The limit is {LONGEST_PATTERN}.")
    try:
        made = re.compile(pattern)
    except re.error as error:
        raise BadInput(f"The patient pattern is no regular expression: {error}.", r"An example: (?P<patient>P\d+)_") from error
    if "patient" not in made.groupindex:
        raise BadInput("The patient pattern has no group named 'patient'.", r"Write it as (?P<patient>...), for example (?P<patient>P\d+)_")
    return made


def _with_patients(images: pd.DataFrame, pattern: re.Pattern[str]) -> pd.DataFrame:
    found = [(match["patient"] or "").strip() if (match := pattern.search(path)) else "" for path in images["image_id"]]
    if not any(found):
        example = images["image_id"].iloc[0] if len(images) else "nothing"
        raise BadInput(
            f"The patient pattern matches none of the {len(images):,} paths; the first is {example}.",
            "It is looked for anywhere in the path below the folder, with forward slashes.",
        )
    return images.assign(subject=[one or before for one, before in zip(found, images["subject"], strict=True)])
