"""Where articles and alerts go; one file each."""
