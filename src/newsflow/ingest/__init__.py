"""The jobs' steps as plain functions over batches: what the Beam transforms call, and what a bare loop can."""
