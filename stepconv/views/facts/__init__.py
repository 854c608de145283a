"""What is shown without a trace: sizes, receptive fields, samples."""
