"""The ways in which pictures come to be judged: files, a folder, the camera, the clipboard."""

from __future__ import annotations

import streamlit as st

from allcore.data import archives, images
from allcore.inference import limits, uploads
from allcore.inference.uploads import Upload
from pages.ui import pasting

FILES, FOLDER, CAMERA, CLIPBOARD = "Files", "A folder", "Camera", "Clipboard"
WAYS = {
    FILES: ":material/upload_file: Files",
    FOLDER: ":material/folder_open: A folder",
    CAMERA: ":material/photo_camera: Camera",
    CLIPBOARD: ":material/content_paste: Clipboard",
}
_NOT_KEPT = "Judged, and not kept."
_ENDINGS = [suffix[1:] for suffix in images.SUFFIXES]


def sent() -> list[Upload]:
    """Draw the place where pictures come in; what has come."""
    way = st.segmented_control("Pictures from", list(WAYS), default=FILES, required=True, format_func=WAYS.get, key="way")
    if way == CAMERA:
        photo = st.camera_input("A photograph of a cell, through the microscope", key="camera")
        st.caption(f"A picture: {limits.PICTURE}. {_NOT_KEPT}")
        return [Upload("photograph", photo.getvalue())] if photo else []
    if way == CLIPBOARD:
        pasted = pasting.pasted()
        st.caption(f"{limits.PASTED} {_NOT_KEPT}")
        return pasted
    if way == FOLDER:
        files = st.file_uploader(
            "A folder of pictures", type=_ENDINGS, accept_multiple_files="directory", max_upload_size=_mb(images.MOST_BYTES), key="folder"
        )
    else:
        files = st.file_uploader(
            "Pictures of cells, or a zip of them: PNG, JPEG, BMP, TIFF or WebP",
            accept_multiple_files=True,
            max_upload_size=_mb(limits.FILE_BYTES),
            key="uploads",
        )
    st.caption(f"{limits.FOLDER if way == FOLDER else limits.IN_WORDS} {_NOT_KEPT}")
    uploads.require_room(file.size for file in files)
    return [Upload(file.name, file.getvalue()) for file in files]


def is_batch(files: list[Upload]) -> bool:
    """Whether more than one picture may have come."""
    return len(files) > 1 or any(archives.is_zip(file.name, file.content) for file in files)


def _mb(count: int) -> int:
    return count // 1_000_000
