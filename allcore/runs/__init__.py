"""What a job, and so a run, is on disk. The truth is here, not in any process."""
