"""Results and evidence for readers: one pure function a format."""
