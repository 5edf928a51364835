"""What may be concluded from another laboratory's data, in plain sentences."""

from __future__ import annotations

from allcore.metrics.external import MAIN, External
from allcore.metrics.intervals import Interval
from allcore.metrics.text import percentage, show

_STRANGE = 0.7
"""AUROC of 'which data set' from which on images are called strange to the run."""


def measure(name: str) -> str:
    """A figure's name as people read it."""
    return {"auroc": "AUROC", "weighted_f1": "weighted F1"}.get(name, name.replace("_", " "))


def signed(interval: Interval) -> str:
    """'-0.161 (-0.27 to -0.05)'; without limits the estimate alone."""
    if interval.estimate is None:
        return "–"
    if interval.low is None or interval.high is None:
        return f"{interval.estimate:+.3f}"
    return f"{interval.estimate:+.3f} ({interval.low:+.2f} to {interval.high:+.2f})"


def conclusion(found: External) -> str:
    """The sentence above all others."""
    one = found.main
    stood = f"{measure(MAIN).capitalize()} is {show(one.other)} on '{found.data}' and {show(one.own)} on the run's own test side"
    gap = one.difference
    if gap.low is None or gap.high is None:
        return f"{stood}. There is no interval for the difference ({gap.note}), so nothing can be concluded from it."
    if gap.high < 0:
        return f"{stood}: lower by {-gap.estimate:.3f} ({-gap.high:.2f} to {-gap.low:.2f}). What it learnt does not carry over whole."
    if gap.low > 0:
        return f"{stood}: higher by {gap.estimate:.3f} ({gap.low:.2f} to {gap.high:.2f}). These images may simply be easier."
    return (
        f"{stood}. No difference is shown: anything from {gap.low:+.2f} to {gap.high:+.2f} fits these images. "
        "That is no proof that it carries over."
    )


def distances(found: External) -> str:
    """How strange the images are to the run."""
    one = found.shift
    told = (
        f"{percentage(one.beyond.estimate)} of the images lie farther from the training images than 95 % of the run's own test images do; "
        f"distance alone tells the two sets apart with AUROC {show(one.auroc)}."
    )
    if one.auroc.estimate is not None and one.auroc.estimate >= _STRANGE:
        return f"{told} The run answers for images that are unlike what it learnt from."
    return told


def caveats(found: External) -> list[str]:
    """What has to be known before the figures are believed, the worst first; loud ones are in `alarms`."""
    told = []
    if not found.own_trusted:
        told.append("The run's own figures are not of unseen patients alone and may flatter: a part of any drop may be that.")
    absent = [one.name for one in found.prevalence if not one.own.estimate or not one.other.estimate]
    if absent:
        told.append(f"Only classes that both sides have are compared; missing on one: {', '.join(absent)}.")
    if found.other.subjects is None:
        told.append(f"The patients of '{found.data}' are not known: its intervals assume independent images, and are too narrow.")
    if found.shared.names:
        told.append(
            f"{found.shared.names:,} patient ids stand in both data sets. Ids are each laboratory's own, so it may be chance; "
            "if they are the same people, the figures flatter."
        )
    if found.shared.tested:
        told.append(f"{found.shared.tested:,} images also stand on the run's own test side: they were kept, and are no new evidence.")
    if found.unlabelled:
        told.append(f"{found.unlabelled:,} images without a label, or of a class left out, were answered for and are in no figure.")
    return told


def alarms(found: External) -> list[str]:
    """What must not be overlooked."""
    told = []
    if found.shared.left_out:
        told.append(
            f"{found.shared.left_out:,} images of '{found.data}' were shown to the run while it learnt "
            f"({found.shared.same:,} byte for byte, {found.shared.near:,} saved or turned anew). They are left out of all figures."
        )
    if found.shared.same is None:
        told.append(
            f"Whether '{found.data}' shares images with what the run learnt from could not be looked for: its data set "
            f"'{found.run_data}' is gone or has changed."
        )
    if found.learnt_drawn and found.judged_drawn:
        told.append(
            "Both data sets are drawn: what differs are the dials that they were drawn with, and nothing here speaks of laboratories."
        )
    elif found.learnt_drawn:
        told.append("The run learnt from drawn cells and is judged on real ones: this is no external validation of a model of real cells.")
    elif found.judged_drawn:
        told.append("The run learnt from real cells and is judged on drawn ones: this says nothing about another laboratory.")
    return told


def looks(found: External) -> str:
    """What moved most, in a sentence."""
    if not found.moved:
        return "The run's own data are gone, so colour and size can't be compared."
    most = sorted(found.moved, key=lambda one: -abs(one.shift))[:3]
    told = ", ".join(f"{one.measure} ({one.own:.3g} to {one.other:.3g}, {one.shift:+.1f} SD)" for one in most)
    share = next(one for one in found.prevalence if one.name == found.other.positive or one is found.prevalence[-1])
    shares = f"{percentage(share.own.estimate)} of the run's own test images and {percentage(share.other.estimate)} of these"
    return f"What moved most: {told}. {share.name.capitalize()} is {shares}."
