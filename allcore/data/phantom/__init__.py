"""Drawn cells on black in the likeness of C-NMC 2019: synthetic, and labelled so wherever they are shown.

`docs/phantom.md` says what is drawn, what each dial does, and how like the real cells the drawn ones are.
"""

from allcore.data.phantom.cell import Cell
from allcore.data.phantom.render import draw
from allcore.data.phantom.roster import plan
from allcore.data.phantom.spec import CNMC, PhantomSpec, twin
from allcore.data.phantom.twin import labels as twin_labels

__all__ = ["CNMC", "Cell", "PhantomSpec", "draw", "plan", "twin", "twin_labels"]
