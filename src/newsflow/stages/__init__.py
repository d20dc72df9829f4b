"""The stages of a job as plain functions over batches: what the Beam transforms call, and what a bare loop can."""
