"""Makes the rules of all countries from CLDR's names and our own forms. Run when either changes, not when tagging."""
