"""What pages share. Helpers live in this sub-folder, since a loose file in pages/ would become a page."""
