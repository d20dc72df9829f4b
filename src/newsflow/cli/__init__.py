"""The newsflow command."""
