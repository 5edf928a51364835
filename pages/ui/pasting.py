"""A place to paste a picture from the clipboard."""

from __future__ import annotations

import base64
import binascii

import streamlit as st

from allcore.inference import limits
from allcore.inference.uploads import Upload
from pages.ui import state

_KEY, _PICTURE = "pasted", "pasted-picture"
_CSS = """
.paste { border: 1px dashed var(--st-border-color, #8888); border-radius: var(--st-base-radius, 6px); padding: 1.2rem; text-align: center;
  font-family: var(--st-font); font-size: 0.95rem; color: var(--st-text-color); background: var(--st-secondary-background-color); }
.paste:focus-visible { outline: 2px solid var(--st-primary-color); }
.paste button { font: inherit; color: inherit; background: none; border: 1px solid currentColor; border-radius: 6px;
  padding: 0.25rem 0.8rem; margin-left: 0.6rem; cursor: pointer; }
.paste .said { margin-top: 0.5rem; min-height: 1.3em; }
"""
# Reading the clipboard by a button needs the browser's leave, and http on another machine never has it: the key always works.
_JS = """
export default function ({ parentElement, data, setTriggerValue }) {
  let place = parentElement.querySelector('.paste');
  if (!place) {
    place = document.createElement('div');
    place.className = 'paste';
    place.tabIndex = 0;
    place.setAttribute('role', 'group');
    place.setAttribute('aria-label', 'Place to paste a picture');
    const text = document.createElement('span');
    text.textContent = 'Copy a picture anywhere, click here and press Ctrl+V (on a Mac, Cmd+V)';
    const said = document.createElement('div');
    said.className = 'said';
    said.setAttribute('role', 'status');
    const take = (blob) => {
      if (!blob) { said.textContent = 'The clipboard holds no picture.'; return; }
      if (blob.size > data.most * 1e6) {
        said.textContent = `The picture has more than ${data.most} MB: save it and send the file.`;
        return;
      }
      said.textContent = '';
      const reader = new FileReader();
      reader.onload = () => setTriggerValue('picture', reader.result);
      reader.readAsDataURL(blob);
    };
    place.append(text);
    if (navigator.clipboard && navigator.clipboard.read) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = 'Paste';
      button.onclick = async () => {
        try {
          for (const item of await navigator.clipboard.read()) {
            const kind = item.types.find((one) => one.startsWith('image/'));
            if (kind) { take(await item.getType(kind)); return; }
          }
          take(null);
        } catch { said.textContent = 'The browser does not let this page read the clipboard: press Ctrl+V here.'; }
      };
      place.append(button);
    }
    place.append(said);
    place.onpaste = (event) => {
      event.preventDefault();
      take([...event.clipboardData.files].find((file) => file.type.startsWith('image/')));
    };
    parentElement.appendChild(place);
  }
}
"""
_place = st.components.v2.component("allcore_paste", css=_CSS, js=_JS)


def pasted() -> list[Upload]:
    """The picture pasted last, in a list; an empty one where there is none."""
    _place(data={"most": limits.PASTED_BYTES // 1_000_000}, key=_KEY, on_picture_change=_took)
    content = state.get(_PICTURE)
    return [Upload("pasted picture", content)] if content else []


def _took() -> None:
    address = state.triggered(_KEY, "picture")
    try:
        state.put(_PICTURE, base64.b64decode(str(address).partition(",")[2], validate=True))
    except binascii.Error:
        state.pop(_PICTURE)
