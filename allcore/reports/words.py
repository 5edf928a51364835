"""A run in sentences, for the report and the model card alike. Plain text: whoever shows it escapes it."""

from __future__ import annotations

from allcore.metrics import cycles, fitting, text, thresholds
from allcore.reports.evidence import Evidence

DRAWN = "Trained on drawn cells: it says nothing about real ones."
OPTIMISTIC = "Optimistic: the threshold was chosen by hand on the test side, on these very images."
_RULES = {
    thresholds.YOUDEN: "by Youden's index",
    thresholds.SENSITIVITY: "for a target sensitivity",
    thresholds.EQUAL_ERROR: "for an equal error in both classes",
    thresholds.COST: "by the cost of a miss",
    thresholds.HAND: "by hand",
}
_LEVELS = {"image": "by image", "patient": "by patient", "official": "as C-NMC 2019 does, 73 subjects to train and 28 to test"}
_FEW_PATIENTS = 20


def counted(number: int, thing: str) -> str:
    """`1 image`, `1,200 images`"""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def size(number: int) -> str:
    """Bytes as people read them: `5.3 MB`"""
    return f"{number / 1e6:.1f} MB" if number >= 1e5 else f"{number / 1e3:.1f} kB"


def title(one: Evidence) -> str:
    """`Random forest on demo`"""
    return f"{one.model_name} on {one.plan.data}"


def people(images: int, subjects: int | None) -> str:
    """`240 images of 10 patients`"""
    return counted(images, "image") + ("" if subjects is None else f" of {counted(subjects, 'patient')}")


def trained_on(one: Evidence) -> str:
    """What was trained on what, and tested on what."""
    train, test = one.certificate.sides["train"], one.certificate.sides["test"]
    kind = ", drawn cells and no real ones" if one.synthetic else ""
    kept = [name for name in ("tune", "calibrate") if name in one.certificate.sides]
    further = "".join(
        f" Another {people(one.certificate.sides[name].images, one.certificate.sides[name].subjects)} were kept to {name}." for name in kept
    )
    return (
        f"{one.model_name} learned to tell {_listed(one.scores.classes)} from {people(train.images, train.subjects)} of the data set "
        f"'{one.plan.data}'{kind}, and was tested on {people(test.images, test.subjects)}.{further}"
    )


def split_by(one: Evidence) -> str:
    """How the images were put on sides."""
    certificate = one.certificate
    fold = f", fold {certificate.fold + 1} of {certificate.folds}" if certificate.folds else ""
    copies = [f"{certificate.duplicate_test_images:,} test images stand byte for byte on another side too."]
    if certificate.near_duplicate_test_images is None:
        copies.append("Nobody has looked for near duplicates.")
    else:
        copies.append(f"{certificate.near_duplicate_test_images:,} have a near duplicate there.")
    return f"Split {_LEVELS.get(certificate.level, certificate.level)}{fold}, seed {certificate.seed}. {' '.join(copies)}"


def result(one: Evidence) -> str:
    """The two figures that matter most, beside the constant answer."""
    balanced, area = (next(each.interval for each in one.figures if each.name == name) for name in ("balanced accuracy", "AUROC"))
    sure = "95 % intervals in brackets" if balanced.low is not None else balanced.note or "without intervals"
    return (
        f"Balanced accuracy {text.show(balanced)}, AUROC {text.show(area)} on {people(one.scores.n, one.scores.subjects)}; {sure}. "
        f"{one.constant.sentence()}"
    )


def at_threshold(one: Evidence) -> str:
    """Of two classes, what the model does at its threshold; '' for more."""
    if one.binary is None:
        return ""
    named = {each.name: each.interval for each in one.figures}
    false = thresholds.complement(named["specificity"])
    return text.threshold_sentence(named["sensitivity"], false, positive=one.scores.positive, negative=one.negative)


def threshold_origin(one: Evidence) -> str:
    """Where the threshold comes from; '' where there is none."""
    if one.binary is None:
        return ""
    chosen = one.binary.chosen
    if chosen is None:
        return (
            f"An image is called {one.scores.positive} from a probability of {one.binary.threshold:g} on; nobody chose another threshold."
        )
    where = f"{_RULES.get(chosen.rule, chosen.rule)} on the {chosen.side} side ({people(chosen.images, chosen.patients)})"
    return f"An image is called {one.scores.positive} from a probability of {chosen.threshold:.3f} on, chosen {where}."


def training(one: Evidence) -> str:
    """How the training went, in numbers."""
    told, parts = one.training, []
    if told.get("epochs") is not None:
        kept = f", of which epoch {told['kept_epoch']} was kept" if told.get("kept_epoch") else ""
        parts += [f"{counted(told['epochs'], 'epoch')}{kept}.", fitting.ended_early(told, one.plan.settings)]
    if told.get("epoch_seconds"):
        parts.append(f"{told['epoch_seconds']:.3g} s an epoch, {told['images_per_second']:.3g} images a second.")
    unit = told.get("unit") or "weights"
    parts.append(f"{told['parameters']:,} {unit}, {size(told['model_bytes'])} as ONNX; {told['seconds']:.0f} s in all.")
    return " ".join(filter(None, (*parts, fitting.told(told))))


def parity(one: Evidence) -> str:
    """How far the graph answers as the trained model does."""
    return (
        "All figures are of the ONNX graph's own answers, before any calibration. It gives the trained model's class on "
        f"{text.percentage(one.parity['class_agreement'])} of {counted(one.parity['images'], 'test image')}; "
        f"the largest difference of a probability is {one.parity['largest_difference']:.0e}."
    )


def limits(one: Evidence) -> list[str]:
    """What these figures can't carry, the worst first."""
    certificate, found = one.certificate, []
    if one.synthetic:
        found.append(f"{DRAWN} How hard they are to tell apart was set by a dial.")
    if one.binary and one.binary.optimistic:
        found.append(OPTIMISTIC)
    if one.training.get("finished_on_request") and "cycles" in one.training:
        found.append(cycles.ENDED_BY_EYE)
    if certificate.overlapping_subjects != 0:
        found.append(f"{certificate.verdict()} On cells of new patients expect less.")
    if certificate.duplicate_test_images or certificate.near_duplicate_test_images:
        found.append("Some test images stand on another side as well, or nearly so: they are easier than new ones.")
    patients = one.scores.subjects_by_class
    if patients is None:
        found.append("Intervals assume that images are independent. Cells of one person are not, so the true ones are wider.")
    elif min(patients.values()) < _FEW_PATIENTS:
        fewest = min(patients, key=patients.__getitem__)
        few = counted(patients[fewest], "patient")
        found.append(f"The test side has {few} of class {fewest}: intervals are wide or missing, and one odd patient moves them.")
    if certificate.folds:
        found.append(f"One of {certificate.folds} folds: the others' test sides are not in these figures.")
    found.append(
        f"One data set, '{one.plan.data}': of another laboratory's stain, microscope or patients these figures say nothing. They are of "
        "single cells, cut out or framed as there, and not of a diagnosis."
    )
    if one.binary:
        share = one.scores.of(one.scores.positive).support / one.scores.n
        found.append(
            f"{100 * share:.1f} % of the test images are {one.scores.positive}. Accuracy, PPV, NPV and precision depend on that share; "
            "it is this test side's and not the world's."
        )
    return found


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
