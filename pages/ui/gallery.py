"""A dense wall of cells on black; a click, or Enter, chooses one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from pages.ui import state

_CSS = """
.wall { display: grid; grid-template-columns: repeat(auto-fill, minmax(var(--side), 1fr)); gap: 3px; background: #000; padding: 3px;
  border-radius: var(--st-base-radius, 6px); }
.wall button { padding: 0; border: 0; background: #000; cursor: pointer; position: relative; aspect-ratio: 1; border-radius: 3px;
  overflow: hidden; }
.wall img { width: 100%; height: 100%; display: block; object-fit: cover; }
.wall .mark { position: absolute; left: 0; right: 0; bottom: 0; height: 3px; }
.wall button:hover img { filter: brightness(1.25); }
.wall button:focus-visible, .wall button[aria-pressed=true] { outline: 2px solid #fff; outline-offset: -2px; }
"""
# The same cells are not drawn anew when only the chosen one changes: nothing flickers, and the focus stays where it was.
_JS = """
function button(cell, choose) {
  const made = document.createElement('button');
  made.type = 'button';
  made.title = cell.text;
  const image = document.createElement('img');
  image.src = cell.image;
  image.alt = cell.text;
  const mark = document.createElement('span');
  mark.className = 'mark';
  mark.style.background = cell.colour;
  made.append(image, mark);
  made.onclick = () => choose(cell.id);
  return made;
}
export default function ({ parentElement, data, setTriggerValue }) {
  let wall = parentElement.querySelector('.wall');
  if (!wall) {
    wall = document.createElement('div');
    wall.className = 'wall';
    wall.setAttribute('role', 'group');
    parentElement.appendChild(wall);
  }
  wall.setAttribute('aria-label', data.label);
  wall.style.setProperty('--side', data.side + 'px');
  wall.choose = (id) => setTriggerValue('chosen', id);
  const shown = JSON.stringify(data.cells);
  if (wall.shown !== shown) {
    wall.shown = shown;
    wall.replaceChildren(...data.cells.map((cell) => button(cell, (id) => wall.choose(id))));
  }
  data.cells.forEach((cell, place) => wall.children[place].setAttribute('aria-pressed', String(cell.id === data.chosen)));
}
"""
_wall = st.components.v2.component("allcore_gallery", css=_CSS, js=_JS)


@dataclass(frozen=True)
class Cell:
    """One picture of the wall."""

    id: str
    image: str
    """Data URI."""
    text: str
    """Said on hover and to screen readers."""
    colour: str
    """Of the line under the picture: the class."""


def gallery(cells: Sequence[Cell], *, label: str, key: str, keep: str = "", side: int = 78) -> str | None:
    """Draw the wall, each picture at least `side` pixels wide; the id that was clicked last, which this session keeps as `keep`."""
    data = {"label": label, "side": side, "chosen": state.get(keep), "cells": [asdict(cell) for cell in cells]}
    # Called before the page is drawn again, so that the wall itself already shows what was clicked.
    _wall(data=data, key=key, on_chosen_change=lambda: keep and state.put(keep, state.triggered(key, "chosen")))
    return state.get(keep)
